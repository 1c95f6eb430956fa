// Advice by rule, above any answer: red for what cannot wait, amber for what should not.
Component({
  properties: {
    level: { type: String, value: 'routine' },
    advice: { type: String, value: '' },
  },
  methods: {
    call() {
      wx.makePhoneCall({ phoneNumber: '120', fail: () => {} });
    },
  },
});
