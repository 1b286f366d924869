// SPDX-License-Identifier: MIT

/** A destination as somebody types it: `HOST/REPOSITORY` is pushed to, as `lamina image push` takes it. */
export const destinationOf = (text: string): string =>
  /^(?:oci|oci-archive|docker-archive|docker|containers-storage):/.test(text) ? text : `docker://${text}`;
