/** What the extension does in notebooks: the start line, and where a cell is. */

import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import { KernelMessage } from '@jupyterlab/services';

import { VIEW_DISPLAY } from './tokens';

const LOAD = '%load_ext sparkk8s_nb';

/**
 * Put the line that starts Spark into the current notebook: into its current cell if that is empty, else into
 * a new one below. It is not run: the user may want to say more.
 *
 * @param options - What follows `start` in the line.
 * @returns Whether there is a notebook.
 */
export function insertStart(tracker: INotebookTracker, options: string): boolean {
  const notebook = tracker.currentWidget?.content;
  if (!notebook) return false;
  const isLoaded = notebook.widgets.some(cell => sourceOf(cell).includes(LOAD));
  const line = `%sparkk8s start ${options}`.trim();
  const active = notebook.activeCell;
  if (active?.model.type !== 'code' || sourceOf(active).trim()) NotebookActions.insertBelow(notebook);
  notebook.activeCell?.model.sharedModel.setSource(isLoaded ? line : `${LOAD}\n${line}`);
  notebook.mode = 'edit';
  return true;
}

/** Have a function called whenever a view of ours begins under a cell: there may be a new session. */
export function onView(tracker: INotebookTracker, begun: () => void): void {
  const listen = ({ sessionContext }: NotebookPanel): void => {
    sessionContext.iopubMessage.connect((_, message) => {
      if (KernelMessage.isDisplayDataMsg(message) && message.content.transient?.display_id?.startsWith(VIEW_DISPLAY)) begun();
    });
  };
  tracker.forEach(listen);
  tracker.widgetAdded.connect((_, panel) => {
    listen(panel);
  });
}

/** The notebook at a path, if it is open. */
export function notebookAt(tracker: INotebookTracker, path: string): NotebookPanel | null {
  return tracker.find(panel => panel.context.path === path) ?? null;
}

/** A code cell by its id. */
export function codeCell(panel: NotebookPanel, id: string): CodeCell | null {
  const found = panel.content.widgets.find(cell => cell.model.id === id);
  return found?.model.type === 'code' ? (found as CodeCell) : null;
}

/** Whether a cell shows its own view, or will: then this page waits for what it puts out. */
export function hasOwnView(cell: CodeCell): boolean {
  // Null before a cell's first run in this page, whatever the typing says.
  const future = cell.outputArea.future as CodeCell['outputArea']['future'] | null | undefined;
  if (future !== null && future !== undefined && !future.isDisposed) return true;
  return cell.outputArea.node.querySelector('.sk8s') !== null;
}

function sourceOf(cell: Cell): string {
  return cell.model.sharedModel.getSource();
}
