/* The map of codes: a point in a plane, and the digit that a decoder makes of it. */
(function () {
  "use strict";

  var tools = window.aeExplore;
  var STEP = 1 / 40; // of the plane's width, for one press of an arrow key
  var DRAWN = 20; // pixels of a training image in the plane
  var LARGE = 380; // pixels of the plane, before it is fitted to the page

  function CodeMap(root, data) {
    this.root = root;
    this.data = data;
    this.models = data.models.map(function (model) {
      var layers = tools.unpack(model.layers, 2, data.width * data.height);
      return { name: model.name, limits: model.limits, codes: model.codes, layers: layers };
    });
    this.pixels = tools.bytes(data.pixels);
    this.chosen = 0;
    this.at = [0.5, 0.5]; // the point, as shares of the plane's width and height, from below
    this.draw = tools.painter(this.paint.bind(this));
    this.build();
    this.choose(0);
  }

  CodeMap.prototype.build = function () {
    var self = this, stage = tools.element("div", "", "ae-explore-stage"), form = document.createElement("fieldset");
    form.appendChild(tools.element("legend", "Decoder"));
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
    this.plane = tools.element("canvas", "", "ae-explore-plane");
    this.plane.width = this.plane.height = LARGE;
    this.plane.tabIndex = 0;
    this.plane.setAttribute("role", "application");
    this.plane.setAttribute("aria-label", "Plane of codes. Drag the point, or move it with the arrow keys.");
    this.picture = tools.picture(this.data.width, this.data.height, "ae-map-picture");
    this.says = document.createElement("p");
    this.says.setAttribute("aria-live", "polite");
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
    new MutationObserver(this.draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
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

  CodeMap.prototype.paint = function () {
    var code = this.code(), numbers = code.map(function (value) { return value.toFixed(2); }).join(", ");
    tools.show(this.picture, tools.run(this.models[this.chosen].layers, code), "What the decoder makes of the code (" + numbers + ")");
    this.paintPlane();
    this.says.textContent = "Code (" + numbers + "). The nearest of the images shown is of class " + this.nearest(code) + ".";
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

  tools.whenSeen("ae-map", "aeMapData", function (root, data) { root.aeMap = new CodeMap(root, data); });
})();
