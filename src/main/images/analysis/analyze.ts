// SPDX-License-Identifier: MIT
import type { Analysis, AnalysisProgress } from '@shared/analysis';
import type { ByteString } from '@shared/bytes';
import { runSlices } from '../slices';
import { Analyzer } from './analyzer';

/**
 * The space that the layers of an image or of a stack take: what each adds, hides and wastes, dive's efficiency with its
 * list, the biggest files, and files of the same content. Reads each file at most once, and only where another has its size.
 * @param folders unpacked layers, the lowest first; whiteouts and opaque directories in the kernel's form
 * @param onProgress told at most ten times a second
 * @throws Failure or SystemError that names the path that cannot be read; the reason of `signal`
 */
export async function analyze(
  folders: readonly ByteString[],
  signal: AbortSignal,
  onProgress: (progress: AnalysisProgress) => void = () => undefined,
): Promise<Analysis> {
  const analyzer = new Analyzer(folders);
  const work = analyzer.run();
  try {
    await runSlices(work, signal, () => onProgress(analyzer.progress));
    return analyzer.result();
  } finally {
    work.return(undefined);
    analyzer.close();
  }
}
