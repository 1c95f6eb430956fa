// Pictures that are segmented: sent, waited for, read.
const { request, download, address, headers, refusal, unreachable, readable, later, ApiError } = require('../utils/request');
const storage = require('../utils/storage');

/** What WeChat itself uploads at most. */
const MOST_BYTES = 10 * 1024 * 1024;
const WAIT_S = 15;
const RECONNECT_MS = 3000;
const PATIENCE_MS = 10 * 60 * 1000;

/** @typedef {{ code: string, nameZh: string, value: number, unit: string, textZh: string }} Finding */
/** @typedef {{ name: string, widthPx: number, heightPx: number, viewUrl: string | null, layerUrl: string | null,
 *   overlayUrl: string | null, findings: Finding[], quality: { status: string, reasonsZh: string[] } | null,
 *   confidence: { level: string, textZh: string } | null,
 *   corrections: { status: string, layerUrl: string | null, overlayUrl: string | null }[] }} Image */
/** @typedef {{ id: string, organ: string, source: string, status: string, createdAt: string, images: Image[],
 *   findings: Finding[], correctedFindings: Finding[] | null, release: { version: string } | null,
 *   error: { message: string } | null, disclaimer: string }} Study */

/**
 * Send one picture. Returns how to cancel, and a promise of the study that the box has queued.
 * @param {string} organ
 * @param {string} path of a file of the phone
 * @param {(percent: number) => void} progress
 */
function submit(organ, path, progress) {
  /** @type {WechatMiniprogram.UploadTask | undefined} */
  let task;
  const sent = new Promise((resolve, reject) => {
    task = wx.uploadFile({
      url: address('/api/v1/studies'),
      filePath: path,
      name: 'file',
      formData: { organ },
      header: headers(),
      timeout: 120000,
      success: (response) => {
        if (response.statusCode < 300) resolve(kept(readable(response.data)));
        else reject(refusal(response.statusCode, response.data));
      },
      fail: (reason) => reject(unreachable(reason.errMsg)),
    });
    task.onProgressUpdate((now) => progress(now.progress));
  });
  return { sent, cancel: () => { if (task) task.abort(); } };
}

/**
 * Remember that a study is under way, for when the program is closed before it has ended.
 * @param {Study} study
 */
function kept(study) {
  storage.write('pending', study.id);
  return study;
}

/** @returns {string} the id of the study that was under way, or '' */
const pending = () => storage.read('pending', '');

/** @param {string} id */
function ended(id) {
  if (pending() === id) storage.remove('pending');
}

/**
 * The study when it has ended. A lost connection is no end: it is asked for again, for ten minutes.
 * @param {string} id
 * @param {(problem: string) => void} waiting told of each pause, '' when the box is heard again
 * @param {() => boolean} wanted false when nobody waits any more
 * @returns {Promise<Study>}
 */
async function result(id, waiting, wanted) {
  const until = Date.now() + PATIENCE_MS;
  while (wanted() && Date.now() < until) {
    try {
      const study = await request(`/api/v1/studies/${id}?wait=${WAIT_S}`, { timeoutMs: (WAIT_S + 15) * 1000 });
      waiting('');
      if (!['queued', 'running'].includes(study.status)) {
        ended(id);
        return study;
      }
    } catch (/** @type {any} */ error) {
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        if (error.status === 404) ended(id);
        throw error;
      }
      waiting('网络不稳定，正在重新连接；分析仍在医院的机器上进行。');
      await later(RECONNECT_MS);
    }
  }
  throw new ApiError('timeout', '分析时间比平时长，稍后可在“我的”里查看结果。', 0);
}

/** @param {string} [before] */
const list = (before) => request(`/api/v1/studies${before ? `?before=${encodeURIComponent(before)}` : ''}`);

/** @param {Image} image */
const corrected = (image) => image.corrections.filter((each) => each.status === 'succeeded').pop();

/**
 * The picture and its layer of marks, as files of the phone; a person's correction stands before the model's marks.
 * @param {Image} image
 */
async function pictures(image) {
  const layerUrl = (corrected(image) || image).layerUrl;
  const view = image.viewUrl ? await download(image.viewUrl) : '';
  const layer = layerUrl ? await download(layerUrl) : '';
  return { view, layer };
}

/**
 * The marked picture with its label "AI 生成", as it may be saved.
 * @param {Image} image
 */
const overlay = (image) => download(`${(corrected(image) || image).overlayUrl}`);

module.exports = { MOST_BYTES, submit, pending, ended, result, list, pictures, overlay };
