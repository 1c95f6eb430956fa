// How to photograph, drawn: a film hangs flat on its light box and fills the frame; a fundus picture is taken whole.
Component({
  properties: {
    film: { type: Boolean, value: true },
  },
});
