// Starts what all pages share: the privacy question, and the size of letters.
const privacy = require('./utils/privacy');
const look = require('./utils/look');

App({
  onLaunch() {
    look.restore();
    privacy.listen();
  },
});
