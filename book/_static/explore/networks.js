/*
 * What the moving pictures share: layers whose weights come as text, images on a canvas, and the wait for a reader to come by.
 *
 * Plain scripts, not modules, and their data are scripts, too, loaded when a picture comes into view: a browser that reads
 * the book from a file may load scripts and nothing else. The networks are those of book/explore.py.
 */
(function () {
  "use strict";

  function bytes(text) {
    var raw = atob(text), found = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
    return found;
  }

  function floats(text) { return new Float32Array(bytes(text).buffer); }

  /* Whole numbers in 8 bits, as floating-point numbers. */
  function scaled(text, scale) {
    var found = Float32Array.from(new Int8Array(bytes(text).buffer));
    for (var i = 0; i < found.length; i += 1) found[i] *= scale;
    return found;
  }

  /* Dense layers, one after the other, with weights as floating-point numbers; an error if something does not fit. */
  function unpack(layers, inputs, outputs) {
    var width = inputs;
    var found = layers.map(function (layer) {
      var kernel = scaled(layer.kernel, layer.scale), bias = floats(layer.bias);
      if (layer.inputs !== width || kernel.length !== layer.inputs * layer.outputs || bias.length !== layer.outputs) {
        throw new Error("a layer has other weights than it says");
      }
      width = layer.outputs;
      return { inputs: layer.inputs, outputs: layer.outputs, kernel: kernel, bias: bias, activation: layer.activation };
    });
    if (width !== outputs) throw new Error("a network returns " + width + " numbers instead of " + outputs);
    return found;
  }

  function softmax(values) {
    var top = Math.max.apply(null, values), sum = 0, i;
    for (i = 0; i < values.length; i += 1) { values[i] = Math.exp(values[i] - top); sum += values[i]; }
    for (i = 0; i < values.length; i += 1) values[i] /= sum;
  }

  /* What the layers make of an image or a code. */
  function run(layers, input) {
    var values = Float32Array.from(input);
    layers.forEach(function (layer) {
      var next = Float32Array.from(layer.bias);
      for (var i = 0; i < layer.inputs; i += 1) {
        var value = values[i], row = i * layer.outputs;
        if (value !== 0) for (var j = 0; j < layer.outputs; j += 1) next[j] += value * layer.kernel[row + j];
      }
      for (var k = 0; k < layer.outputs; k += 1) {
        if (layer.activation === "relu") next[k] = Math.max(next[k], 0);
        if (layer.activation === "sigmoid") next[k] = 1 / (1 + Math.exp(-next[k]));
      }
      if (layer.activation === "softmax") softmax(next);
      values = next;
    });
    return values;
  }

  /* A canvas that shows an image of so many pixels, with words for who cannot see it. */
  function picture(width, height, className) {
    var canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.className = className;
    canvas.setAttribute("role", "img");
    return canvas;
  }

  /* Draw grey values from 0 to 1. */
  function show(canvas, values, words) {
    var context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    for (var i = 0; i < values.length; i += 1) {
      var grey = Math.round(255 * Math.min(1, Math.max(0, values[i])));
      image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = grey;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", words);
  }

  /* Return a function that asks for a painting with the screen's next frame, once for however many changes there were. */
  function painter(paint) {
    var waiting = false;
    return function () {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(function () { waiting = false; paint(); });
    };
  }

  function element(name, text, className) {
    var found = document.createElement(name);
    if (text) found.textContent = text;
    if (className) found.className = className;
    return found;
  }

  function begin(root, variable, build) {
    var script = document.createElement("script");
    script.src = root.dataset.script;
    function say(reason) {
      root.replaceChildren(element("p", "This cannot be shown (" + reason + "). The picture below shows it at rest.", "ae-explore-fault"));
    }
    script.onerror = function () { say("its data did not load"); };
    script.onload = function () {
      if (!window[variable]) { say("its data is damaged"); return; }
      try {
        build(root, window[variable]);
        root.classList.add("ae-explore-ready");
      } catch (error) {
        say(error.message);
      }
    };
    document.head.appendChild(script);
  }

  /* Load a picture's data when its place comes into view, and build it then. */
  function whenSeen(id, variable, build) {
    var root = document.getElementById(id);
    if (!root) return;
    if (!("IntersectionObserver" in window)) { begin(root, variable, build); return; }
    var seen = new IntersectionObserver(function (entries) {
      if (entries.some(function (entry) { return entry.isIntersecting; })) { seen.disconnect(); begin(root, variable, build); }
    }, { rootMargin: "200px" });
    seen.observe(root);
  }

  window.aeExplore = {
    bytes: bytes, floats: floats, scaled: scaled, unpack: unpack, run: run, picture: picture, show: show,
    painter: painter, element: element, whenSeen: whenSeen
  };
})();
