// Where the ES modules of the views are; `src/static.d.ts` and `jest.config.js` know the same name.
const path = require('path');

module.exports = {
  resolve: { alias: { 'sparkk8s-views': path.resolve(__dirname, '../sparkk8s_nb/views/static') } }
};
