/** The golden messages that the kernel's side reads too (`tests/wire`). */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { IFrame } from '../wire';

const WIRE = join(__dirname, '../../../tests/wire');

interface ISequence {
  messages: unknown[];
  expected: IFrame;
}

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(WIRE, ...path), 'utf-8'));
}

/** Names of the keyframes, or of the sequences. */
export function names(folder = '.'): string[] {
  return readdirSync(join(WIRE, folder)).filter(name => name.endsWith('.json'));
}

export function keyframe(name: string): IFrame {
  return read(name) as IFrame;
}

export function sequence(name: string): ISequence {
  return read('sequences', name) as ISequence;
}
