/**
 * Subshells of a kernel: what goes over one is handled whatever the kernel computes meanwhile.
 *
 * JupyterLab's own are made for a kernel's whole life by its main connection; these last as long as one message.
 */

import type { Kernel } from '@jupyterlab/services';
import { KernelMessage } from '@jupyterlab/services';

/** Milliseconds that a kernel may take to make a subshell before a message goes without. */
const PATIENCE = 2000;

export class Subshells {
  /**
   * @param onLate - Told when one has come that nobody waited for any more: the kernel makes them again.
   */
  constructor(
    private readonly kernel: Kernel.IKernelConnection,
    private readonly onLate: () => void
  ) {}

  /** The id of a new one; null where the kernel makes none (then a message waits until it is idle). */
  async make(): Promise<string | null> {
    let isLate = false;
    const made = this._asked();
    const over: Promise<void> = made
      .then(
        id => {
          // Nobody uses one that comes late: it must not stay in the kernel.
          if (!isLate || id === null) return;
          this.delete(id);
          this.onLate();
        },
        () => undefined
      )
      .then(() => {
        this._making.delete(over);
      });
    this._making.add(over);
    const late = after(PATIENCE).then(() => {
      isLate = true;
      return null;
    });
    return Promise.race([made, late]);
  }

  delete(id: string): void {
    const { kernel } = this;
    if (kernel.isDisposed || kernel.status === 'dead') return;
    kernel.sendControlMessage(
      KernelMessage.createMessage<KernelMessage.IDeleteSubshellRequestMsg>({
        msgType: 'delete_subshell_request',
        channel: 'control',
        session: kernel.clientId,
        username: kernel.username,
        content: { subshell_id: id }
      }),
      true,
      true
    );
  }

  /** Fulfilled when none is being made any more. */
  async settled(): Promise<void> {
    await Promise.all(this._making);
  }

  /** Have the kernel make one; its id, null where it makes none. */
  private async _asked(): Promise<string | null> {
    const { kernel } = this;
    const request = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
      msgType: 'create_subshell_request',
      channel: 'control',
      session: kernel.clientId,
      username: kernel.username,
      content: {}
    });
    const reply = (await kernel.sendControlMessage(request, true, true).done) as KernelMessage.ICreateSubshellReplyMsg;
    return (reply.content as Partial<KernelMessage.ICreateSubshellReplyMsg['content']>).subshell_id ?? null;
  }

  private readonly _making = new Set<Promise<void>>();
}

/**
 * Wait until a kernel's connection is up.
 *
 * Not for `kernel.info`: a kernel that computes answers that only afterwards.
 */
export function connected(kernel: Kernel.IKernelConnection): Promise<void> {
  if (kernel.connectionStatus === 'connected') return Promise.resolve();
  return new Promise((resolve, reject) => {
    kernel.connectionStatusChanged.connect((_, status) => {
      if (status === 'connected') resolve();
      if (status === 'disconnected') reject(new Error('The connection to the kernel is gone.'));
    });
  });
}

/** Fulfilled after that time. */
export function after(milliseconds: number): Promise<null> {
  return new Promise(resolve => {
    setTimeout(() => {
      resolve(null);
    }, milliseconds);
  });
}
