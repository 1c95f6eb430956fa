// The only file that a hospital must edit. README.md says how.
module.exports = {
  /** Where the hospital's tunnel answers: https, without a path; also to be entered as "服务器域名" at WeChat's. */
  origin: 'https://xiangyi.example.cn',
  /** Shown at the top of the first page. */
  hospital: '乡镇卫生院',
  /** Show "微信登录": only when the box's admin has entered AppID and AppSecret. */
  wechatLogin: true,
};
