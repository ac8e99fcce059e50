/** A session's Spark UI as a tab in the main area. */

import { IFrame, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { sparkIcon } from './icon';
import { NAMESPACE } from './tokens';

export type UiTab = MainAreaWidget<IFrame>;

/** The tabs that are open; a session has one at most. */
export class UiTabs {
  readonly tracker = new WidgetTracker<UiTab>({ namespace: `${NAMESPACE}-ui` });

  /**
   * The tab of a session, made if there is none.
   *
   * @param url - The address of its Spark UI.
   */
  open(session: string, url: string): UiTab {
    const id = tabId(session);
    const known = this.tracker.find(tab => tab.id === id);
    if (known) return known;
    // Its pages have scripts and links to new tabs; they come from this very server, signed in like this page.
    const content = new IFrame({
      sandbox: ['allow-scripts', 'allow-same-origin', 'allow-popups', 'allow-forms', 'allow-modals'],
      referrerPolicy: 'same-origin'
    });
    content.url = url;
    const tab = new MainAreaWidget({ content });
    tab.id = id;
    tab.addClass('jp-Spark-uiTab');
    tab.title.label = `Spark UI: ${session}`;
    tab.title.icon = sparkIcon;
    tab.title.closable = true;
    tab.node.dataset['session'] = session;
    void this.tracker.add(tab);
    return tab;
  }
}

/** The session of a tab. */
export function sessionOf(tab: UiTab): string {
  return tab.node.dataset['session'] ?? '';
}

function tabId(session: string): string {
  return `${NAMESPACE}-ui-${session}`;
}
