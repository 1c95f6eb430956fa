// Choose a picture, look at it, send it. Phases: choosing → chosen → sending, then the result page takes over.
const session = require('../../utils/session');
const page = require('../../utils/page');
const organs = require('../../utils/organs');
const studies = require('../../services/studies');

/** From this size on, a slow connection makes people wait: they are asked whether to send less. */
const LARGE_BYTES = 3 * 1024 * 1024;
const QUALITY = 80;

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

Page({
  data: {
    look: '',
    organ: '',
    name: '',
    image: '',
    film: true,
    /** @type {'choosing' | 'chosen' | 'sending'} */
    phase: 'choosing',
    busy: false,
    problem: '',
    path: '',
    size: '',
    compressed: false,
    percent: 0,
  },

  /** @type {(() => void) | null} */
  cancelSending: null,
  bytes: 0,

  /** @param {{ organ?: string }} query */
  onLoad(query) {
    const { organ, name, image, film } = organs.find(query.organ);
    this.setData({ organ, name, image, film });
    wx.setNavigationBarTitle({ title: `${name}分割` });
  },

  onShow() {
    page.shown(this);
  },

  onUnload() {
    if (this.cancelSending) this.cancelSending();
  },

  takePhoto() {
    this.pick('camera');
  },

  choosePhoto() {
    this.pick('album');
  },

  /** @param {'camera' | 'album'} source */
  pick(source) {
    wx.chooseMedia({
      count: 1,
      mediaType: ['image'],
      sourceType: [source],
      sizeType: ['original'],
      success: (chosen) => this.check(chosen.tempFiles[0].tempFilePath, chosen.tempFiles[0].size),
      fail: (reason) => {
        if (!/cancel/.test(reason.errMsg)) this.setData({ problem: refused(reason.errMsg) });
      },
    });
  },

  /**
   * Large pictures: sent as they are, or made smaller when the person agrees. WeChat takes 10 MB at most.
   * @param {string} path
   * @param {number} bytes
   */
  async check(path, bytes) {
    this.setData({ problem: '' });
    if (bytes > LARGE_BYTES && (await this.agrees(bytes))) await this.compress(path, bytes);
    else this.keep(path, bytes, false);
  },

  /** @param {number} bytes */
  async agrees(bytes) {
    const must = bytes > studies.MOST_BYTES;
    const why = must ? '微信最多能上传 10 MB' : '网络慢时上传会比较久';
    const asked = await wx.showModal({
      title: must ? '图片太大' : '图片较大',
      content: `这张图片有 ${megabytes(bytes)}，${why}。要压缩后再上传吗？压缩会损失一些细节。`,
      confirmText: '压缩',
      cancelText: must ? '不压缩' : '用原图',
    });
    return asked.confirm;
  },

  /**
   * @param {string} path
   * @param {number} bytes
   */
  async compress(path, bytes) {
    try {
      const { tempFilePath } = await wx.compressImage({ src: path, quality: QUALITY });
      const { size } = await fileInfo(tempFilePath);
      this.keep(tempFilePath, size, true);
    } catch (error) {
      this.keep(path, bytes, false);
    }
  },

  /**
   * @param {string} path
   * @param {number} bytes
   * @param {boolean} compressed
   */
  keep(path, bytes, compressed) {
    if (bytes > studies.MOST_BYTES) {
      const problem = `图片有 ${megabytes(bytes)}，超过微信 10 MB 的上限。请压缩后再选，或在医院电脑上上传原图。`;
      this.setData({ phase: 'choosing', path: '', problem });
      return;
    }
    this.bytes = bytes;
    this.setData({ phase: 'chosen', path, size: megabytes(bytes), compressed, percent: 0 });
  },

  send() {
    if (!session.token()) {
      session.logIn();
      return;
    }
    page.once(this, async () => {
      this.setData({ phase: 'sending', percent: 0 });
      const { sent, cancel } = studies.submit(this.data.organ, this.data.path, (percent) => this.setData({ percent }));
      this.cancelSending = cancel;
      try {
        const study = await sent;
        wx.redirectTo({ url: `/pages/result/result?id=${study.id}` });
      } catch (/** @type {any} */ error) {
        this.setData({ phase: 'chosen' });
        if (error.code !== 'aborted') throw error;
      } finally {
        this.cancelSending = null;
      }
    });
  },

  cancel() {
    if (this.cancelSending) this.cancelSending();
  },

  enlarge() {
    wx.previewImage({ urls: [this.data.path] });
  },

  reset() {
    this.setData({ phase: 'choosing', path: '', problem: '' });
  },
});

/**
 * @param {string} path
 * @returns {Promise<{ size: number }>}
 */
function fileInfo(path) {
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().getFileInfo({ filePath: path, success: resolve, fail: reject });
  });
}

/**
 * Why camera or album did not open, in words.
 * @param {string} reason
 */
function refused(reason) {
  if (/privacy|disagree/.test(reason)) return '您没有同意隐私保护指引，暂时不能使用相机和相册。';
  if (/auth|permission|denied/.test(reason)) return '没有相机或相册的权限：请在微信的设置里打开后再试。';
  return '相机或相册没有打开，请再试一次。';
}
