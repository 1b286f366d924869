// SPDX-License-Identifier: MIT

export const IMAGE_HELP = `lamina image: container images, their layers ready to be stacked

  lamina image import SOURCE             bring an image into the store
         [--platform OS/ARCH[/VARIANT]] [--name NAME]... [--keep-blobs]
         [--in-place]                    leave the layers in the container store, and only read them
  lamina image ls
  lamina image inspect IMAGE             what is known of it
         [--manifest | --config]         its exact documents
  lamina image layers IMAGE              its stack, for -o: lowerdir=TOP:...:LOWEST
  lamina image tag IMAGE NAME...
  lamina image untag NAME...
  lamina image rm IMAGE...               take all its names away
  lamina image gc [--dry-run] [--yes]    what no name leads to: shown, and with --yes removed
  lamina image check                     whether all is there and has its digest
  lamina image export IMAGE DEST         the exact image, where its bytes can be had
         [--format oci|docker] [--compression gzip|zstd] [--repack]
  lamina image push IMAGE [docker://]HOST/REPOSITORY[:TAG]
  lamina image commit -o OPTIONS         what stands above an image, as a new layer on it
         [--base IMAGE|scratch] [--layers TOP-BOTTOM] [--live] [EDITS] [--name NAME]...
  lamina image squash IMAGE              its layers, or those from the Nth on, as one
         [--from N] [EDITS] [--name NAME]...
  lamina image config IMAGE EDITS        the same layers, another configuration
         [--name NAME]...
  lamina image diff A B                  images, or unpacked layers by their paths
  lamina image analyze IMAGE             where its space goes
         [--ci] [--ci-config FILE] [--lowest-efficiency N] [--highest-wasted-bytes BYTES]
         [--highest-user-wasted-percent N]

SOURCE is oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], docker://HOST/REPOSITORY[:TAG],
containers-storage:NAME, or a path that begins with / or ./; DEST one of the first four.
Registries: --authfile FILE, --creds USER:PASSWORD, --tls-verify true|false.
IMAGE is a name or its end, a digest, or the first digits of an id.
EDITS: --entrypoint and --cmd WORD or '["A","B"]', --env NAME=VALUE and --label NAME=VALUE (NAME alone takes it
away), --user, --workdir, --author; an empty text takes away. -m TEXT is the comment of the history.
All take --json and --store DIR (else LAMINA_STORE, or the user's own). SOURCE_DATE_EPOCH: no time is later.
Exit status: 0 done, 1 failed (analyze --ci: not good enough), 2 wrong usage, 130 cancelled.`;
