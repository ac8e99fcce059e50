/**
 * The ES modules that draw (`sparkk8s_nb/views/static`), shared with the widgets of the kernel's side.
 * They are plain JavaScript; this is what of them is used here. `bundle.config.js` says where they are.
 */

declare module 'sparkk8s-views/shared.js' {
  export const SCHEMA: number;
  export function received(
    frame: object | null,
    message: unknown
  ): { frame: object | null; problem?: string; ask?: boolean };
  export function element<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    className?: string,
    text?: string
  ): HTMLElementTagNameMap[K];
  export function setText(node: Node, text: string): void;
  export function button(text: string, label: string, onClick: () => void): HTMLButtonElement;
  export function arrange(parent: Element, nodes: readonly Element[]): void;
  export function plural(count: number, noun: string): string;
}

declare module 'sparkk8s-views/actions.js' {
  /** What an action came to: a line, or a log, or what is wrong and what to do. */
  export type IAnswer = { said: string } | { lines: string[] } | { problem: string; fix: string };
  /** One execution of a cell, as a frame names it. */
  export interface ICell {
    tag: string;
    id: string | null;
    execution_count: number;
  }
  /** `tell` hears what is waited for, and the answer where that comes after the promise was given up. */
  export interface IActions {
    scale(executors: number, tell?: (answer: IAnswer) => void): Promise<IAnswer>;
    cancel(cell: ICell | null, tell?: (answer: IAnswer) => void): Promise<IAnswer>;
    cancelAll(tell?: (answer: IAnswer) => void): Promise<IAnswer>;
    stop(tell?: (answer: IAnswer) => void): Promise<IAnswer>;
    log(executor: string, tell?: (answer: IAnswer) => void): Promise<IAnswer>;
    dispose(): void;
  }
  export interface ILine {
    send(content: object): void;
    on(event: 'msg:custom', heard: (content: unknown) => void): void;
    off(event: 'msg:custom', heard: (content: unknown) => void): void;
  }
  /** What the server answered; null if it was no answer to an action. */
  export interface IServerAnswer {
    status: number;
    answer: object | null;
  }
  export function isAnswer(content: unknown): content is { heard?: string; done?: string };
  export function actionsOver(
    line: ILine,
    ways: { server: ((command: object) => Promise<IServerAnswer>) | null }
  ): IActions;
}

declare module 'sparkk8s-views/fleet.js' {
  import type { IActions } from 'sparkk8s-views/actions.js';
  export class FleetView {
    constructor(element: HTMLElement, actions: IActions);
    show(frame: object): void;
    say(text: string): void;
    tick(): void;
    dispose(): void;
  }
}

declare module 'sparkk8s-views/progress.js' {
  import type { IActions } from 'sparkk8s-views/actions.js';
  export class ProgressView {
    constructor(element: HTMLElement, actions: IActions);
    show(frame: object): void;
    say(text: string): void;
    tick(): void;
    dispose(): void;
  }
}
