// SPDX-License-Identifier: MIT
import type { Stat } from '../system/stat';

/** Identifies an inode on this machine. */
export const inodeKey = (stat: Stat): string => `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;
