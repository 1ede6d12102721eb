/*
 * The map of codes: a point in a plane, and the digit that a decoder makes of it.
 *
 * A plain script, not a module, and its data is another script, loaded when the map comes into view: a browser that reads the
 * book from a file may load scripts and nothing else. The networks are those of book/explore.py.
 */
(function () {
  "use strict";

  var STEP = 1 / 40; // of the plane's width, for one press of an arrow key
  var DRAWN = 20; // pixels of a training image in the plane
  var LARGE = 380; // pixels of the plane, before it is fitted to the page

  function bytes(text) {
    var raw = atob(text), found = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
    return found;
  }

  /* The layers of a decoder, with weights as floating-point numbers; an error if something does not fit. */
  function unpack(layers, outputs) {
    var width = 2;
    var found = layers.map(function (layer) {
      var whole = new Int8Array(bytes(layer.kernel).buffer), kernel = Float32Array.from(whole);
      for (var i = 0; i < kernel.length; i += 1) kernel[i] *= layer.scale;
      var bias = new Float32Array(bytes(layer.bias).buffer);
      if (layer.inputs !== width || kernel.length !== layer.inputs * layer.outputs || bias.length !== layer.outputs) {
        throw new Error("a layer has other weights than it says");
      }
      width = layer.outputs;
      return { inputs: layer.inputs, outputs: layer.outputs, kernel: kernel, bias: bias, activation: layer.activation };
    });
    if (width !== outputs) throw new Error("the decoder makes images of another size");
    return found;
  }

  function decode(layers, code) {
    var values = Float32Array.from(code);
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
      values = next;
    });
    return values;
  }

  function CodeMap(root, data) {
    this.root = root;
    this.data = data;
    this.models = data.models.map(function (model) {
      return { name: model.name, limits: model.limits, codes: model.codes, layers: unpack(model.layers, data.width * data.height) };
    });
    this.pixels = bytes(data.pixels);
    this.chosen = 0;
    this.at = [0.5, 0.5]; // the point, as shares of the plane's width and height, from below
    this.build();
    this.choose(0);
  }

  CodeMap.prototype.build = function () {
    var self = this, stage = document.createElement("div"), form = document.createElement("fieldset");
    var legend = document.createElement("legend");
    legend.textContent = "Decoder";
    form.appendChild(legend);
    this.models.forEach(function (model, index) {
      var label = document.createElement("label"), button = document.createElement("input");
      button.type = "radio";
      button.name = "ae-map-model";
      button.checked = index === 0;
      button.addEventListener("change", function () { self.choose(index); });
      label.appendChild(button);
      label.appendChild(document.createTextNode(" " + model.name));
      form.appendChild(label);
    });
    this.plane = document.createElement("canvas");
    this.plane.width = this.plane.height = LARGE;
    this.plane.tabIndex = 0;
    this.plane.setAttribute("role", "application");
    this.plane.setAttribute("aria-label", "Plane of codes. Drag the point, or move it with the arrow keys.");
    this.picture = document.createElement("canvas");
    this.picture.width = this.data.width;
    this.picture.height = this.data.height;
    this.picture.setAttribute("role", "img");
    this.picture.className = "ae-map-picture";
    this.says = document.createElement("p");
    this.says.setAttribute("aria-live", "polite");
    stage.className = "ae-map-stage";
    stage.appendChild(this.plane);
    stage.appendChild(this.picture);
    [form, stage, this.says].forEach(function (part) { self.root.appendChild(part); });

    function follow(event) {
      var box = self.plane.getBoundingClientRect();
      self.move((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
    }
    this.plane.addEventListener("pointerdown", function (event) {
      self.plane.setPointerCapture(event.pointerId);
      self.held = true;
      follow(event);
    });
    this.plane.addEventListener("pointermove", function (event) { if (self.held) follow(event); });
    ["pointerup", "pointercancel"].forEach(function (name) {
      self.plane.addEventListener(name, function () { self.held = false; });
    });
    this.plane.addEventListener("keydown", function (event) {
      var move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!move) return;
      event.preventDefault();
      self.move(self.at[0] + STEP * move[0], self.at[1] + STEP * move[1]);
    });
    new MutationObserver(function () { self.draw(); }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  CodeMap.prototype.choose = function (index) {
    this.chosen = index;
    this.draw();
  };

  CodeMap.prototype.move = function (x, y) {
    this.at = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    this.draw();
  };

  /* The code at the point. */
  CodeMap.prototype.code = function () {
    var at = this.at;
    return this.models[this.chosen].limits.map(function (range, i) { return range[0] + at[i] * (range[1] - range[0]); });
  };

  /* Draw with the screen's next frame, once for however many moves there were. */
  CodeMap.prototype.draw = function () {
    var self = this;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(function () { self.waiting = false; self.paint(); });
  };

  CodeMap.prototype.paint = function () {
    var code = this.code(), values = decode(this.models[this.chosen].layers, code);
    var context = this.picture.getContext("2d"), image = context.createImageData(this.data.width, this.data.height);
    for (var i = 0; i < values.length; i += 1) {
      var grey = Math.round(255 * Math.min(1, Math.max(0, values[i])));
      image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = grey;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    this.paintPlane();
    var numbers = code.map(function (value) { return value.toFixed(2); }).join(", ");
    var near = this.nearest(code);
    this.says.textContent = "Code (" + numbers + "). The nearest of the images shown is of class " + near + ".";
    this.picture.setAttribute("aria-label", "What the decoder makes of the code (" + numbers + ")");
  };

  CodeMap.prototype.nearest = function (code) {
    var best = Infinity, found = 0, limits = this.models[this.chosen].limits;
    this.models[this.chosen].codes.forEach(function (other, index) {
      var far = 0;
      for (var i = 0; i < 2; i += 1) far += Math.pow((other[i] - code[i]) / (limits[i][1] - limits[i][0]), 2);
      if (far < best) { best = far; found = index; }
    });
    return this.data.names[this.data.classes[found]];
  };

  CodeMap.prototype.paintPlane = function () {
    var context = this.plane.getContext("2d"), model = this.models[this.chosen], side = this.data.thumbnail, data = this.data;
    var pixels = this.pixels, ink = getComputedStyle(this.root).color;
    context.clearRect(0, 0, LARGE, LARGE);
    if (!this.sprites) this.sprites = data.classes.map(function (of, index) { return sprite(pixels, index, side, data.colours[of]); });
    for (var k = 0; k < model.codes.length; k += 1) {
      var x = (model.codes[k][0] - model.limits[0][0]) / (model.limits[0][1] - model.limits[0][0]);
      var y = (model.codes[k][1] - model.limits[1][0]) / (model.limits[1][1] - model.limits[1][0]);
      context.drawImage(this.sprites[k], x * LARGE - DRAWN / 2, (1 - y) * LARGE - DRAWN / 2, DRAWN, DRAWN);
    }
    context.strokeStyle = ink;
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(this.at[0] * LARGE, (1 - this.at[1]) * LARGE, 11, 0, 2 * Math.PI);
    context.stroke();
  };

  /* A training image in its class's colour, on nothing. */
  function sprite(pixels, index, side, colour) {
    var canvas = document.createElement("canvas"), context, image, rgb = parseInt(colour.slice(1), 16);
    canvas.width = canvas.height = side;
    context = canvas.getContext("2d");
    image = context.createImageData(side, side);
    for (var i = 0; i < side * side; i += 1) {
      image.data[4 * i] = rgb >> 16;
      image.data[4 * i + 1] = (rgb >> 8) & 255;
      image.data[4 * i + 2] = rgb & 255;
      image.data[4 * i + 3] = pixels[index * side * side + i];
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  function begin(root) {
    var script = document.createElement("script");
    script.src = root.dataset.script;
    function say(reason) {
      var line = document.createElement("p");
      line.className = "ae-map-fault";
      line.textContent = "The map cannot be shown (" + reason + "). The picture below shows it at rest.";
      root.replaceChildren(line);
    }
    script.onerror = function () { say("its data did not load"); };
    script.onload = function () {
      if (!window.aeMapData) { say("its data is damaged"); return; }
      try {
        root.aeMap = new CodeMap(root, window.aeMapData);
        root.classList.add("ae-map-ready");
      } catch (error) {
        say(error.message);
      }
    };
    document.head.appendChild(script);
  }

  window.aeExplore = { unpack: unpack, decode: decode };
  var root = document.getElementById("ae-map");
  if (!root) return;
  if (!("IntersectionObserver" in window)) { begin(root); return; }
  var seen = new IntersectionObserver(function (entries) {
    if (entries.some(function (entry) { return entry.isIntersecting; })) { seen.disconnect(); begin(root); }
  }, { rootMargin: "200px" });
  seen.observe(root);
})();
