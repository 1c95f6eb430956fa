// Saving to the phone's album, whose permission may be missing.

/**
 * Save a picture. True when it lies in the album, false when the person changed their mind.
 * @param {string} path
 * @returns {Promise<boolean>}
 */
async function save(path) {
  try {
    await wx.saveImageToPhotosAlbum({ filePath: path });
    return true;
  } catch (/** @type {any} */ error) {
    if (/cancel/.test(error.errMsg)) return false;
    if (/auth|permission|denied/.test(error.errMsg)) return allowed(path);
    throw told('图片没有保存成功，请检查手机剩余空间后重试。');
  }
}

/**
 * Permission was refused, now or before: only the person can give it, in WeChat's settings.
 * @param {string} path
 */
async function allowed(path) {
  const asked = await wx.showModal({
    title: '需要相册权限',
    content: '保存图片要用到“保存到相册”的权限。要去设置里打开吗？',
    confirmText: '去设置',
  });
  if (!asked.confirm) return false;
  const { authSetting } = await wx.openSetting();
  if (!authSetting['scope.writePhotosAlbum']) throw told('没有打开相册权限，图片没有保存。');
  await wx.saveImageToPhotosAlbum({ filePath: path });
  return true;
}

/** @param {string} message */
function told(message) {
  return Object.assign(new Error(message), { code: 'album' });
}

module.exports = { save };
