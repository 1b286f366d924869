// SPDX-License-Identifier: MIT
import { removeXattr, setAttributes, setXattr, type AttributeChange } from '../overlay/set-attributes';
import type { OverlayStack } from '../overlay/stack';
import type { NativeCall } from './native-call';
import { OP, type NativeOperations } from './native-operations';
import type { PathTree } from './path-tree';

/**
 * Changes of metadata. libfuse 2 makes several of one SETATTR, and knows nothing of set-id bits: what a write or a
 * chown(2) shall take away, the kernel takes away by itself, with a chmod or a removexattr before it.
 */
export class NativeAttributes {
  readonly operations: NativeOperations = [
    [OP.chmod, (call) => this.change(call, { mode: call.mode })],
    [OP.chown, (call) => this.change(call, { uid: call.uid, gid: call.gid })],
    [OP.truncate, (call) => this.change(call, { size: call.offset })],
    [OP.utimens, (call) => this.change(call, { atime: call.accessTime, mtime: call.modificationTime })],
    [OP.setxattr, (call) => this.setxattr(call)],
    [OP.removexattr, (call) => this.removexattr(call)],
  ];

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: PathTree,
  ) {}

  private change(call: NativeCall, change: AttributeChange): number {
    setAttributes(this.stack, this.tree.find(call.path), change);
    return 0;
  }

  private setxattr(call: NativeCall): number {
    setXattr(this.stack, this.tree.find(call.path), call.xattrName, call.xattrValue, call.xattrFlags);
    return 0;
  }

  private removexattr(call: NativeCall): number {
    removeXattr(this.stack, this.tree.find(call.path), call.xattrName);
    return 0;
  }
}
