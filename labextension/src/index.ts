/** The plugin: puts the parts into JupyterLab. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { Dialog, ICommandPalette, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { SparkApi } from './api';
import { SessionLine } from './comm';
import type { IDesk } from './commands';
import { addCommands } from './commands';
import { sparkIcon } from './icon';
import { SparkModel } from './model';
import { NamespaceModel } from './namespace';
import { insertStart, onView } from './notebooks';
import { SparkPanel } from './panel';
import { ViewRestorer } from './restore';
import { SparkStatus } from './status';
import { thisTab } from './tab';
import { CommandIDs, NAMESPACE, PLUGIN_ID } from './tokens';
import { sessionOf, UiTabs } from './uitab';

const CATEGORY = 'Spark';

/** What users can set; `schema/plugin.json` has the same defaults. */
interface ISettings {
  startOptions: string;
  refreshSeconds: number;
  restoreViews: boolean;
  showStatus: boolean;
  showNamespace: boolean;
}

const DEFAULTS: ISettings = {
  startOptions: '',
  refreshSeconds: 5,
  restoreViews: true,
  showStatus: true,
  showNamespace: true
};

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Spark sessions of this server: side panel, status bar, views of running cells.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ILayoutRestorer, ICommandPalette, IStatusBar, ISettingRegistry],
  activate
};

export default plugin;

function activate(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
  statusBar: IStatusBar | null,
  registry: ISettingRegistry | null
): void {
  const { commands, serviceManager, shell } = app;
  const settings = { ...DEFAULTS };
  const api = new SparkApi(serviceManager.serverSettings);
  const tab = thisTab();
  const tabs = new UiTabs();
  const model = new SparkModel({
    list: () => api.sessions(),
    act: (kernelId, command) => api.act(kernelId, command),
    connect: id =>
      new SessionLine(serviceManager.kernels.connectTo({ model: { id, name: '' }, handleComms: false }), tab),
    interval: settings.refreshSeconds
  });
  const desk: IDesk = {
    currentPath: () => tracker.currentWidget?.context.path ?? null,
    insertStart: () => insertStart(tracker, settings.startOptions),
    openPanel: () => {
      shell.activateById(panel.id);
    },
    showNamespace: () => {
      shell.activateById(panel.id);
      panel.namespace.open();
    },
    openUi: session => {
      const opened = tabs.open(session, api.uiUrl(session));
      if (!opened.isAttached) shell.add(opened, 'main');
      if (opened.isAttached) {
        shell.activateById(opened.id);
        return;
      }
      // Notebook 7 has room for its document alone.
      opened.dispose();
      window.open(api.uiUrl(session), '_blank', 'noopener');
    },
    openNotebook: path => {
      void commands.execute('docmanager:open', { path });
    },
    confirm: async (title, body, yes) => {
      const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: yes })];
      return (await showDialog({ title, body, buttons })).button.accept;
    },
    askNumber: async (title, label, value) => (await InputDialog.getNumber({ title, label, value })).value,
    tell: (text, kind) => {
      Notification.emit(text, kind, { autoClose: 8000 });
    }
  };
  const deeds = {
    openUi: desk.openUi,
    openNotebook: desk.openNotebook,
    insertStart: () => {
      void commands.execute(CommandIDs.start);
    }
  };
  const panel = new SparkPanel(model, deeds, new NamespaceModel(() => api.namespace()));
  panel.title.icon = sparkIcon;
  panel.title.caption = 'Spark';
  shell.add(panel, 'left', { rank: 600 });
  restorer?.add(panel, NAMESPACE);
  if (restorer !== null) {
    void restorer.restore(tabs.tracker, {
      command: CommandIDs.openUi,
      args: opened => ({ session: sessionOf(opened) }),
      name: sessionOf
    });
  }

  for (const command of addCommands(commands, model, desk)) palette?.addItem({ command, category: CATEGORY });
  // A session shows a view when its start begins.
  onView(tracker, () => {
    void model.refresh();
  });
  // A cell that ran may have started or stopped a session.
  NotebookActions.executed.connect(() => {
    void model.refresh();
  });
  window.addEventListener('pagehide', () => {
    model.abandon();
  });

  const status = new SparkStatus(model, desk.openPanel);
  statusBar?.registerStatusItem(PLUGIN_ID, {
    item: status,
    align: 'left',
    rank: 600,
    isActive: () => settings.showStatus && status.isActive,
    activeStateChanged: status.activeChanged
  });
  if (registry === null) panel.namespace.isWanted = settings.showNamespace;
  let views: ViewRestorer | null = new ViewRestorer(model, tracker);
  void registry?.load(PLUGIN_ID).then(loaded => {
    const take = (): void => {
      Object.assign(settings, loaded.composite);
      model.interval = settings.refreshSeconds;
      panel.namespace.isWanted = settings.showNamespace;
      status.announce();
      if (settings.restoreViews === (views !== null)) return;
      views?.dispose();
      views = settings.restoreViews ? new ViewRestorer(model, tracker) : null;
    };
    loaded.changed.connect(take);
    take();
  });
}
