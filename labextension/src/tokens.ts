/** Names that several modules and the outside know. */

/** The package and the prefix of everything that the application keeps by name. */
export const NAMESPACE = 'sparkk8s-nb';

/** The plugin whose settings users see. */
export const PLUGIN_ID = `${NAMESPACE}:plugin`;

export const PANEL_ID = `${NAMESPACE}-panel`;

/** The comm target that `%load_ext sparkk8s_nb` registers in a kernel. */
export const COMM_TARGET = 'sparkk8s';

/** With what the display ids of views under cells begin. */
export const VIEW_DISPLAY = 'sparkk8s-';

/** Of the wire, the comm and the server's answers alike. */
export const SCHEMA = 1;

export namespace CommandIDs {
  export const openPanel = 'sparkk8s:open-panel';
  export const start = 'sparkk8s:start';
  export const scale = 'sparkk8s:scale';
  export const cancel = 'sparkk8s:cancel';
  export const stop = 'sparkk8s:stop';
  export const openUi = 'sparkk8s:open-ui';
  export const refresh = 'sparkk8s:refresh';
  export const showNamespace = 'sparkk8s:show-namespace';
}
