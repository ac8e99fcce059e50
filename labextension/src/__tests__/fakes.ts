/** A kernel's end of a line, for tests of everything that stands on it. */

import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { PromiseDelegate } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';

import type { ITab } from '../tab';

interface ISent {
  type: string;
  subshell: string | null;
  content: Record<string, unknown>;
}

/** A kernel connection that notes what is sent and says what the test says. */
export class FakeKernel {
  readonly clientId = 'page';
  readonly username = '';
  readonly sent: ISent[] = [];
  readonly iopubMessage = new Signal<this, unknown>(this);
  readonly statusChanged = new Signal<this, Kernel.Status>(this);
  readonly connectionStatusChanged = new Signal<this, Kernel.ConnectionStatus>(this);
  connectionStatus: Kernel.ConnectionStatus = 'connected';
  status: Kernel.Status = 'busy';
  isDisposed = false;
  /** Whether it makes subshells. */
  subshells = true;
  /** What a subshell waits for before it is made. */
  slowness: Promise<unknown> = Promise.resolve();

  get connection(): Kernel.IKernelConnection {
    return this as unknown as Kernel.IKernelConnection;
  }

  /** What was sent of a type. */
  of(type: string): ISent[] {
    return this.sent.filter(sent => sent.type === type);
  }

  /** The id of the comm that was opened last. */
  get commId(): string {
    return this.of('comm_open').at(-1)?.content['comm_id'] as string;
  }

  sendControlMessage(message: KernelMessage.IControlMessage): { done: Promise<unknown> } {
    this._note(message);
    if (message.header.msg_type !== 'create_subshell_request') return { done: Promise.resolve({}) };
    const content = this.subshells ? { status: 'ok', subshell_id: `shell-${this.sent.length}` } : { status: 'error' };
    return { done: this.slowness.then(() => ({ content })) };
  }

  sendShellMessage(message: KernelMessage.IShellMessage): { done: Promise<void> } {
    this._note(message);
    const handled = new PromiseDelegate<void>();
    this._handled.push(handled);
    return { done: handled.promise };
  }

  /** All that was sent is handled now. */
  handle(): void {
    for (const handled of this._handled.splice(0)) handled.resolve();
  }

  /** Say something on the line. */
  say(data: unknown): void {
    this._iopub('comm_msg', { comm_id: this.commId, data });
  }

  /** Close the line, or another one. */
  close(commId = this.commId): void {
    this._iopub('comm_close', { comm_id: commId, data: {} });
  }

  dispose(): void {
    this.isDisposed = true;
  }

  private _note(message: KernelMessage.IMessage): void {
    this.sent.push({
      type: message.header.msg_type,
      subshell: message.header.subshell_id ?? null,
      content: message.content as Record<string, unknown>
    });
  }

  private _iopub(type: string, content: object): void {
    this.iopubMessage.emit({ channel: 'iopub', header: { msg_type: type }, content });
  }

  private readonly _handled: PromiseDelegate<void>[] = [];
}

/** A tab of a browser whose openings are numbered from 1. */
export function fakeTab(): ITab {
  let count = 0;
  return { id: 'tab-1', opening: () => (count += 1) };
}

/** Let everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
