// What was made by the machine says so, next to it.
Component({
  properties: {
    text: { type: String, value: 'AI 生成' },
  },
});
