/**
 * The line to a kernel: frames come from it, actions go to it, whatever the kernel computes meanwhile.
 *
 * It has a connection of its own that handles no other comm, so it is in nobody's way: the notebook's
 * connection keeps the widgets. What is sent goes over a subshell that lasts as long as the message is
 * handled, so a reloaded page leaves none behind in the kernel.
 */

import type { Kernel } from '@jupyterlab/services';
import { KernelMessage } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { isAnswer } from 'sparkk8s-views/actions.js';
import { after, connected, Subshells } from './subshell';
import type { ITab } from './tab';
import { COMM_TARGET, SCHEMA } from './tokens';
import type { IFrame } from './wire';
import { FrameReader } from './wire';

/** Milliseconds before a keyframe that did not come is asked for again. */
const PATIENCE = 2000;

/** How often a line is opened anew whose opening waits behind a running cell. */
const REOPENINGS = 3;

/** Milliseconds that a kernel may take to answer before the user is told that it does not. */
const SILENCE = 10_000;

const SILENT = 'This kernel does not answer yet; what is shown is what the server knows.';

type CommMessage = 'comm_open' | 'comm_msg' | 'comm_close';

type Heard = (content: unknown) => void;

function isAction(content: object): content is { do: string; id: string } {
  return 'do' in content && 'id' in content && typeof content.id === 'string';
}

export class SessionLine implements IDisposable {
  /**
   * @param kernel - A connection of this line's own; it is disposed with the line.
   * @param tab - The page's tab: of its lines the kernel keeps the one that was opened last.
   */
  constructor(
    private readonly kernel: Kernel.IKernelConnection,
    private readonly tab: ITab
  ) {
    this._subshells = new Subshells(kernel, () => {
      this._openAnew();
    });
    kernel.iopubMessage.connect(this._onIOPub, this);
    kernel.statusChanged.connect(this._onStatus, this);
    kernel.connectionStatusChanged.connect(this._onConnection, this);
    this._openIt();
    this._silence = setTimeout(() => {
      this._say(SILENT);
    }, SILENCE);
  }

  /** The last good frame; null before the first. */
  get frame(): IFrame | null {
    return this._reader.frame;
  }

  /** What is wrong with the line, in one line; empty if nothing is. */
  get trouble(): string {
    return this._trouble;
  }

  /** There is a new frame or other trouble. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The kernel is gone, restarts, or has closed its end. */
  get ended(): ISignal<this, void> {
    return this._ended;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Send to the kernel: `{ask: "keyframe"}` or an action. */
  send(content: object): void {
    if (isAction(content)) this._unheard.set(content.id, content);
    void this._post('comm_msg', content);
  }

  /** Hear everything that the kernel sends on this line. */
  on(_event: 'msg:custom', heard: Heard): void {
    this._listeners.add(heard);
  }

  off(_event: 'msg:custom', heard: Heard): void {
    this._listeners.delete(heard);
  }

  /**
   * Tell the kernel that nobody listens any more, for a page that goes away.
   *
   * There is no time for a subshell: a kernel that computes hears it afterwards.
   */
  abandon(): void {
    if (this._isDisposed || !this._open || this.kernel.connectionStatus !== 'connected') return;
    this._open = false;
    this.kernel.sendShellMessage(this._message('comm_close', {}, null), false, true);
  }

  /** Close the line on both ends. */
  dispose(): void {
    if (this._isDisposed) return;
    const isOpen = this._open && this.kernel.status !== 'dead';
    const last = isOpen ? this._post('comm_close', {}) : Promise.race([this._sent, after(SILENCE)]);
    this._isDisposed = true;
    clearTimeout(this._silence);
    this._listeners.clear();
    Signal.clearData(this);
    // A subshell that the kernel is still making goes by this connection.
    const left = last.then(() => Promise.race([this._subshells.settled(), after(SILENCE)]));
    void left.finally(() => {
      this.kernel.dispose();
    });
  }

  private _openIt(): void {
    void this._post('comm_open', { schema: SCHEMA, tab: this.tab.id, opening: this.tab.opening() });
  }

  /**
   * The kernel makes subshells again: an opening that went without one waits behind the running cell.
   *
   * When that is heard in the end the kernel sees by its number that it is older than what it has of this tab; where
   * the tab is gone by then it hears right after it that it is closed. What was to be done is said again: the kernel
   * does it once.
   */
  private _openAnew(): void {
    if (!this._isLate || !this._isSilent || this._isDisposed || this._reopenings >= REOPENINGS) return;
    this._reopenings += 1;
    this._isLate = false;
    this.abandon();
    this._open = false;
    this._id = UUID.uuid4();
    this._openIt();
    for (const action of this._unheard.values()) void this._post('comm_msg', action);
  }

  private _onIOPub(_kernel: unknown, message: KernelMessage.IIOPubMessage): void {
    if (KernelMessage.isCommMsgMsg(message) && message.content.comm_id === this._id) {
      this._hear(message.content.data);
    } else if (KernelMessage.isCommCloseMsg(message) && message.content.comm_id === this._id) {
      this._end();
    }
  }

  private _hear(content: unknown): void {
    if (this._isDisposed) return;
    clearTimeout(this._silence);
    this._isSilent = false;
    for (const listener of [...this._listeners]) listener(content);
    if (isAnswer(content)) {
      this._unheard.delete(content.heard ?? content.done ?? '');
      return;
    }
    const reading = this._reader.read(content);
    if (reading.ask) this._ask();
    if (reading.changed) {
      this._asked = 0;
      this._trouble = reading.problem;
      this._changed.emit();
    } else if (reading.problem) {
      this._say(reading.problem);
    }
  }

  private _ask(): void {
    const now = Date.now();
    if (now - this._asked < PATIENCE) return;
    this._asked = now;
    this.send({ ask: 'keyframe' });
  }

  private _say(trouble: string): void {
    if (this._trouble === trouble) return;
    this._trouble = trouble;
    this._changed.emit();
  }

  private _onStatus(_kernel: unknown, status: Kernel.Status): void {
    if (['restarting', 'autorestarting', 'dead'].includes(status)) this._end();
  }

  /** What was sent while the connection was down is lost: a new keyframe makes up for it. */
  private _onConnection(_kernel: unknown, status: Kernel.ConnectionStatus): void {
    if (this._isDisposed) return;
    if (status === 'connected' && this._open) this.send({ ask: 'keyframe' });
    if (status === 'disconnected') this._end();
  }

  private _end(): void {
    this._open = false;
    this._ended.emit();
  }

  /** Send one message after the one before it; the promise is fulfilled when it was handled. */
  private _post(type: CommMessage, data: object): Promise<void> {
    const id = this._id;
    const sent = this._sent.then(() => this._deliver(type, data, id));
    // A kernel that goes away takes its messages along: the line ends by the kernel's status.
    this._sent = sent.catch(() => undefined);
    return this._sent;
  }

  private async _deliver(type: CommMessage, data: object, id: string): Promise<void> {
    const { kernel } = this;
    const isOpening = type === 'comm_open';
    await connected(kernel);
    if (!isOpening && !this._open) return;
    const subshellId = await this._subshells.make();
    // Closed meanwhile, or opened anew.
    if (isOpening ? this._isDisposed : id !== this._id) {
      if (subshellId !== null) this._subshells.delete(subshellId);
      return;
    }
    if (isOpening) {
      this._open = true;
      this._isLate = subshellId === null;
    }
    const handled = kernel.sendShellMessage(this._message(type, data, subshellId), false, true).done;
    if (subshellId === null) return;
    const over = (): void => {
      this._subshells.delete(subshellId);
    };
    // Not awaited: the next message has a subshell of its own, however long this one takes.
    const settled = handled.then(over, over);
    if (type === 'comm_close') await settled;
  }

  private _message(
    type: CommMessage,
    data: object,
    subshellId: string | null
  ): KernelMessage.ICommMsgMsg<'shell'> {
    return KernelMessage.createMessage<KernelMessage.ICommMsgMsg<'shell'>>({
      // The three types differ in their names only, and in the target of the first.
      msgType: type as 'comm_msg',
      channel: 'shell',
      session: this.kernel.clientId,
      username: this.kernel.username,
      subshellId: subshellId ?? undefined,
      content: {
        comm_id: this._id,
        data: data as KernelMessage.ICommMsgMsg['content']['data'],
        ...(type === 'comm_open' ? { target_name: COMM_TARGET } : {})
      }
    });
  }

  private _id = UUID.uuid4();
  private readonly _reader = new FrameReader();
  private readonly _listeners = new Set<Heard>();
  private readonly _unheard = new Map<string, object>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _ended = new Signal<this, void>(this);
  private readonly _silence: ReturnType<typeof setTimeout>;
  private readonly _subshells: Subshells;
  private _sent: Promise<void> = Promise.resolve();
  private _trouble = '';
  private _asked = 0;
  private _reopenings = 0;
  /** Whether the line's opening went without a subshell. */
  private _isLate = false;
  private _open = false;
  private _isSilent = true;
  private _isDisposed = false;
}
