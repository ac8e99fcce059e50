/** The commands: for the palette, and with arguments for the panel and other extensions. */

import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IActions, IAnswer } from 'sparkk8s-views/actions.js';
import type { SparkModel, SparkSession } from './model';
import { CommandIDs } from './tokens';
import { runningExecution } from './wire';

/** What commands need of the application. */
export interface IDesk {
  /** Path of the current notebook, if there is one. */
  currentPath(): string | null;
  /** Put the line that starts Spark into the current notebook; whether there is one. */
  insertStart(): boolean;
  openPanel(): void;
  /** Show the panel with the other sessions of the namespace. */
  showNamespace(): void;
  openUi(session: string): void;
  openNotebook(path: string): void;
  /** Ask a yes-or-no question. */
  confirm(title: string, question: string, yes: string): Promise<boolean>;
  /** Ask for a number; null if the user thinks better of it. */
  askNumber(title: string, label: string, value: number): Promise<number | null>;
  tell(text: string, kind: 'info' | 'error'): void;
}

const NO_SESSION = 'There is no Spark session to do that with: %sparkk8s start in a notebook makes one.';
const WHICH = 'There are several Spark sessions: go to the notebook of the one you mean, or use the Spark panel.';

/** The session that is meant: the one named, else the current notebook's, else the only one. */
export function meant(model: SparkModel, args: ReadonlyPartialJSONObject, path: string | null): SparkSession | null {
  if (typeof args['session'] === 'string') return model.find(args['session']);
  const ofNotebook = path === null ? null : model.ofNotebook(path);
  if (ofNotebook !== null) return ofNotebook;
  return model.sessions.length === 1 ? (model.sessions[0] ?? null) : null;
}

/** Register the commands and return their ids, for the palette. */
export function addCommands(commands: CommandRegistry, model: SparkModel, desk: IDesk): string[] {
  const session = (args: ReadonlyPartialJSONObject): SparkSession | null => {
    const found = meant(model, args, desk.currentPath());
    if (found === null) desk.tell(model.sessions.length > 1 ? WHICH : NO_SESSION, 'error');
    return found;
  };
  const act = async (
    args: ReadonlyPartialJSONObject,
    deed: (actions: IActions, session: SparkSession, tell: (answer: IAnswer) => void) => Promise<IAnswer | null>
  ): Promise<void> => {
    const found = session(args);
    if (found === null) return;
    let told = '';
    const tell = (answer: IAnswer): void => {
      const text = inWords(answer);
      if (text !== told) desk.tell(text, 'problem' in answer ? 'error' : 'info');
      told = text;
    };
    const answer = await deed(found.actions, found, tell);
    if (answer !== null) tell(answer);
  };

  commands.addCommand(CommandIDs.openPanel, {
    label: 'Show the Spark Panel',
    execute: () => {
      desk.openPanel();
    }
  });
  commands.addCommand(CommandIDs.start, {
    label: 'Insert the Line That Starts Spark',
    execute: () => {
      if (!desk.insertStart()) desk.tell('Open a notebook first: that is where Spark starts.', 'error');
    }
  });
  commands.addCommand(CommandIDs.scale, {
    label: 'Scale Spark…',
    execute: args =>
      act(args, async (actions, { frame, name }, tell) => {
        const given = args['executors'];
        const executors =
          typeof given === 'number'
            ? given
            : await desk.askNumber(`Scale ${name}`, 'Executors', frame?.fleet?.wanted ?? 1);
        return executors === null ? null : actions.scale(executors, tell);
      })
  });
  commands.addCommand(CommandIDs.cancel, {
    label: "Cancel the Running Cell's Spark Jobs",
    execute: args => act(args, (actions, { frame }, tell) => actions.cancel(runningExecution(frame), tell))
  });
  commands.addCommand(CommandIDs.stop, {
    label: 'Stop Spark…',
    execute: args =>
      act(args, async (actions, { name }, tell) => {
        const question = 'Its executors are given back; data that is cached on them is gone.';
        return (await desk.confirm(`Stop ${name}?`, question, 'Stop')) ? actions.stop(tell) : null;
      })
  });
  commands.addCommand(CommandIDs.openUi, {
    label: 'Open the Spark UI',
    execute: args => {
      // A tab that is put back after a reload is there before the list of sessions.
      const name = typeof args['session'] === 'string' ? args['session'] : session(args)?.name;
      if (name !== undefined) desk.openUi(name);
    }
  });
  commands.addCommand(CommandIDs.refresh, {
    label: 'Look for Spark Sessions',
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.showNamespace, {
    label: 'Show the Other Spark Sessions of the Namespace',
    execute: () => {
      desk.showNamespace();
    }
  });
  return [
    CommandIDs.openPanel,
    CommandIDs.start,
    CommandIDs.scale,
    CommandIDs.cancel,
    CommandIDs.stop,
    CommandIDs.openUi,
    CommandIDs.refresh,
    CommandIDs.showNamespace
  ];
}

function inWords(answer: IAnswer): string {
  if ('problem' in answer) return `${answer.problem} ${answer.fix}`.trim();
  return 'said' in answer ? answer.said : answer.lines.join('\n');
}
