/** The panel's buttons. */

import { button } from 'sparkk8s-views/shared.js';

/**
 * A button of the views in the panel's look, which also says what it does where one points at it.
 *
 * Its name is its text, also for those who hear or say it; a sign is named by its title.
 */
export function panelButton(text: string, title: string, click: () => void): HTMLButtonElement {
  const isSign = text !== '' && !/\w/.test(text);
  const made = button(text, isSign ? title : '', click);
  made.className = 'jp-Spark-button';
  made.title = title;
  return made;
}
