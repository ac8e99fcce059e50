/** The panel's icon: three bars of work under way, drawn for this project. */

import { LabIcon } from '@jupyterlab/ui-components';

import { NAMESPACE } from './tokens';

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="3" y="4" width="11" height="4" rx="1"/>
    <rect x="7" y="10" width="14" height="4" rx="1"/>
    <rect x="3" y="16" width="8" height="4" rx="1"/>
  </g>
</svg>`;

export const sparkIcon = new LabIcon({ name: `${NAMESPACE}:spark`, svgstr: DRAWING });
