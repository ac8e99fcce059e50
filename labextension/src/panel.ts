/** The side panel: every session of this server, live, and beneath them those of the namespace. */

import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { element, setText } from 'sparkk8s-views/shared.js';
import { NamespaceList } from './components/namespacelist';
import { Notice } from './components/notice';
import { panelButton } from './components/panelbutton';
import type { ICardDeeds } from './components/sessioncard';
import { SessionCard } from './components/sessioncard';
import type { SparkModel } from './model';
import type { NamespaceModel } from './namespace';
import { PANEL_ID } from './tokens';

/** What the panel can ask of the application. */
export interface IPanelDeeds extends ICardDeeds {
  /** Put the line that starts a session into the current notebook. */
  insertStart(): void;
}

const LOOKING = 'Looking for Spark sessions.';
const NONE = 'No kernel of this server has a Spark session. Start one in a notebook:';

/** Milliseconds between two seconds that are counted on. */
const TICK = 1000;

export class SparkPanel extends Panel {
  constructor(
    private readonly model: SparkModel,
    private readonly deeds: IPanelDeeds,
    namespace: NamespaceModel
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('jp-Spark-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Spark');
    const head = element('div', 'jp-Spark-head');
    head.append(
      element('h2', 'jp-Spark-title', 'Spark'),
      panelButton('Start', 'Put the line that starts Spark into the current notebook', () => {
        deeds.insertStart();
      }),
      panelButton('↻', 'Look for sessions now', () => {
        void model.refresh();
      })
    );
    this._empty = element('div', 'jp-Spark-empty');
    this._code = element('code', '', '%sparkk8s start');
    this._why = element('p', '');
    this._empty.append(this._why, this._code);
    this.addWidget(new Widget({ node: head }));
    this.addWidget(this._notice);
    this.addWidget(new Widget({ node: this._empty }));
    this.addWidget(this._cards);
    this.namespace = new NamespaceList(namespace);
    this.addWidget(this.namespace);
    model.changed.connect(this._refresh, this);
    this._refresh();
  }

  /** The other sessions of the namespace. */
  readonly namespace: NamespaceList;

  dispose(): void {
    if (this.isDisposed) return;
    this.model.changed.disconnect(this._refresh, this);
    this._rest();
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) this._tick();
  }

  protected onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._rest();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._tick();
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._rest();
  }

  private _tick(): void {
    this.namespace.isSeen = true;
    this._ticking ??= setInterval(() => {
      if (!document.hidden) for (const card of this._all()) card.tick();
    }, TICK);
  }

  private _rest(): void {
    this.namespace.isSeen = false;
    clearInterval(this._ticking);
    this._ticking = undefined;
  }

  private _all(): SessionCard[] {
    return this._cards.widgets as SessionCard[];
  }

  private _refresh(): void {
    const { sessions, problem, isReady } = this.model;
    this._notice.tell(problem);
    this._empty.hidden = sessions.length > 0 || (problem !== null && !isReady);
    this._code.hidden = !isReady;
    setText(this._why, isReady ? NONE : LOOKING);
    const cards = new Map(this._all().map(card => [card.session, card]));
    sessions.forEach((session, place) => {
      const known = cards.get(session);
      cards.delete(session);
      if (known === undefined) this._cards.insertWidget(place, new SessionCard(session, this.deeds));
      else if (this._cards.widgets[place] !== known) this._cards.insertWidget(place, known);
    });
    for (const card of cards.values()) card.dispose();
  }

  private readonly _notice = new Notice();
  private readonly _cards = new Panel();
  private readonly _empty: HTMLElement;
  private readonly _why: HTMLElement;
  private readonly _code: HTMLElement;
  private _ticking: ReturnType<typeof setInterval> | undefined;
}
