/* Draw a digit, or pick one: its code, what is rebuilt of it, its class, its cluster, and whether it is odd. */
(function () {
  "use strict";

  var tools = window.aeExplore, digits = tools.digits;
  var SIDE = 280; // pixels of the sheet
  var PEN = 20; // its width
  var BOX = 20; // pixels of an image that a digit fills, as in MNIST
  var POINTS = 8; // looked up for each pixel of an image, along its width and along its height
  var COUNTS = [2, 10, 32]; // of numbers that an image is rebuilt from

  function Sheet(root, data) {
    this.root = root;
    this.data = data;
    this.model = new digits.Model(data);
    this.all = digits.images(data);
    this.draw = tools.painter(this.paint.bind(this));
    this.build();
    this.pick(0);
  }

  Sheet.prototype.build = function () {
    var self = this, stage = tools.element("div", "", "ae-explore-stage"), left = tools.element("div");
    this.sheet = tools.element("canvas", "", "ae-explore-plane ae-draw-sheet");
    this.sheet.width = this.sheet.height = SIDE;
    this.pad = this.sheet.getContext("2d", { willReadFrequently: true });
    this.sheet.setAttribute("role", "img");
    this.sheet.setAttribute("aria-label", "Sheet to draw on with a mouse or a finger. By keyboard, pick a test image below.");
    left.appendChild(this.sheet);
    this.clear = tools.element("button", "Clear");
    this.clear.type = "button";
    this.clear.addEventListener("click", function () { self.wipe(); });
    left.appendChild(this.clear);
    stage.appendChild(left);
    this.seen = digits.framed(this.data, "what the network sees");
    stage.appendChild(this.seen.figure);
    stage.appendChild(this.buildBars());
    this.root.appendChild(stage);
    this.root.appendChild(this.buildPicks());
    this.says = document.createElement("p");
    this.says.setAttribute("aria-live", "polite");
    this.root.appendChild(this.says);
    this.rebuilt = [this.buildRow("autoencoder"), this.buildRow("PCA")];
    this.root.appendChild(tools.element("p", "The code, " + digits.numbers(this.model.numbers) + ", the first on the left:", "ae-draw-title"));
    this.code = tools.picture(6 * this.model.numbers, 60, "ae-draw-code");
    this.root.appendChild(this.code);
    this.listen();
    new MutationObserver(this.draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  /* A button for each test image at hand. */
  Sheet.prototype.buildPicks = function () {
    var self = this, field = tools.element("fieldset", "", "ae-draw-picks");
    field.appendChild(tools.element("legend", "Or pick a test image"));
    this.all.forEach(function (image, index) {
      var button = document.createElement("button"), canvas = tools.picture(self.data.width, self.data.height, "ae-explore-image");
      button.type = "button";
      tools.show(canvas, image, "Test image " + (index + 1) + ", a " + self.data.names[self.data.classes[index]]);
      button.appendChild(canvas);
      button.addEventListener("click", function () { self.pick(index); });
      field.appendChild(button);
    });
    return field;
  };

  Sheet.prototype.buildRow = function (name) {
    var row = tools.element("div", "", "ae-draw-row"), data = this.data;
    row.appendChild(tools.element("span", name));
    var found = COUNTS.map(function (count) {
      var frame = digits.framed(data, digits.numbers(count));
      row.appendChild(frame.figure);
      return frame;
    });
    this.root.appendChild(row);
    return found;
  };

  Sheet.prototype.buildBars = function () {
    var table = tools.element("table", "", "ae-draw-classes"), self = this;
    table.appendChild(tools.element("caption", "Probability of each class"));
    this.bars = this.data.names.map(function (name) {
      var row = document.createElement("tr"), head = tools.element("th", name), cell = document.createElement("td");
      var bar = tools.element("span", "", "ae-draw-bar"), number = tools.element("td");
      head.scope = "row";
      cell.appendChild(bar);
      [head, cell, number].forEach(function (part) { row.appendChild(part); });
      table.appendChild(row);
      return { bar: bar, number: number };
    });
    return table;
  };

  Sheet.prototype.listen = function () {
    var self = this, sheet = this.sheet;
    function place(event) {
      var box = sheet.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * SIDE, (event.clientY - box.top) / box.height * SIDE];
    }
    sheet.addEventListener("pointerdown", function (event) {
      event.preventDefault();
      sheet.setPointerCapture(event.pointerId);
      if (!self.drawn) self.wipe();
      self.pen = place(event);
      self.stroke(self.pen);
    });
    sheet.addEventListener("pointermove", function (event) { if (self.pen) self.stroke(place(event)); });
    ["pointerup", "pointercancel"].forEach(function (name) { sheet.addEventListener(name, function () { self.pen = null; }); });
  };

  /* An empty sheet. */
  Sheet.prototype.wipe = function () {
    var context = this.pad;
    context.fillStyle = "black";
    context.fillRect(0, 0, SIDE, SIDE);
    this.drawn = true; // by hand, from now on
    this.image = null;
    this.draw();
  };

  Sheet.prototype.stroke = function (to) {
    var context = this.pad;
    context.strokeStyle = "white";
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(this.pen[0], this.pen[1]);
    context.lineTo(to[0], to[1]);
    context.stroke();
    this.pen = to;
    this.draw();
  };

  Sheet.prototype.pick = function (index) {
    var small = tools.picture(this.data.width, this.data.height, "");
    tools.show(small, this.all[index], "");
    this.pad.drawImage(small, 0, 0, SIDE, SIDE);
    this.drawn = false;
    this.image = this.all[index];
    this.draw();
  };

  /*
   * What was drawn, made into an image as MNIST's were: fitted into a box of 20 by 20 pixels with its proportions kept,
   * and put into the image so that its centre of mass is in the middle. Null if nothing was drawn.
   */
  function normalised(pad, width, height) {
    var pixels = pad.getImageData(0, 0, SIDE, SIDE).data;
    var left = SIDE, right = -1, top = SIDE, bottom = -1;
    for (var y = 0; y < SIDE; y += 1) {
      for (var x = 0; x < SIDE; x += 1) {
        if (pixels[4 * (y * SIDE + x)] > 20) {
          left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
        }
      }
    }
    if (right < 0) return null;
    var wide = right - left + 1, high = bottom - top + 1, scale = BOX / Math.max(wide, high);
    function placed(shiftX, shiftY) {
      var found = new Float32Array(width * height);
      for (var i = 0; i < found.length; i += 1) {
        // The mean of many points within the pixel, each looked up on the sheet.
        for (var k = 0; k < POINTS * POINTS; k += 1) {
          var u = Math.floor((i % width + (k % POINTS + 0.5) / POINTS - shiftX) / scale);
          var v = Math.floor((Math.floor(i / width) + (Math.floor(k / POINTS) + 0.5) / POINTS - shiftY) / scale);
          if (u >= 0 && v >= 0 && u < wide && v < high) found[i] += pixels[4 * ((top + v) * SIDE + left + u)];
        }
        found[i] /= 255 * POINTS * POINTS;
      }
      return found;
    }
    var image = placed((width - wide * scale) / 2, (height - high * scale) / 2), mass = 0, atX = 0, atY = 0;
    image.forEach(function (light, i) { mass += light; atX += light * (i % width + 0.5); atY += light * (Math.floor(i / width) + 0.5); });
    return placed((width - wide * scale) / 2 + width / 2 - atX / mass, (height - high * scale) / 2 + height / 2 - atY / mass);
  }

  /* All that the networks say of an image. */
  Sheet.prototype.judge = function (image) {
    var model = this.model, data = this.data, code = model.encode(image), best = Infinity, cluster = 0;
    data.clusters.centres.forEach(function (centre, index) {
      var far = 0;
      for (var j = 0; j < centre.length; j += 1) far += Math.pow(code[j] - centre[j], 2);
      if (far < best) { best = far; cluster = index; }
    });
    var probabilities = model.classes(code);
    return {
      code: code, coordinates: model.project(image), probabilities: probabilities, cluster: cluster,
      label: probabilities.indexOf(Math.max.apply(null, probabilities)),
      error: digits.error(image, model.decode(code, model.numbers))
    };
  };

  Sheet.prototype.paint = function () {
    var data = this.data, model = this.model, self = this;
    if (this.drawn) this.image = normalised(this.pad, data.width, data.height);
    if (!this.image) {
      var dark = new Float32Array(model.pixels);
      this.says.textContent = "Nothing is drawn yet. Draw a digit on the black sheet, large and in the middle.";
      tools.show(this.seen.canvas, dark, "Nothing");
      this.rebuilt.forEach(function (row) { row.forEach(function (frame) { tools.show(frame.canvas, dark, "Nothing"); }); });
      this.bars.forEach(function (each) { each.bar.style.width = "0"; each.number.textContent = ""; });
      this.paintCode(new Float32Array(model.numbers));
      return;
    }
    var found = this.judge(this.image), fraction = data.clusters.fractions[found.cluster];
    tools.show(this.seen.canvas, this.image, "The image that the network gets");
    COUNTS.forEach(function (count, i) {
      tools.show(self.rebuilt[0][i].canvas, model.decode(found.code, count), "The autoencoder's reconstruction from " + count + " numbers");
      tools.show(self.rebuilt[1][i].canvas, model.decodePCA(found.coordinates, count), "PCA's reconstruction from " + count + " numbers");
    });
    this.bars.forEach(function (each, k) {
      var percent = 100 * found.probabilities[k];
      each.bar.style.width = percent.toFixed(1) + "%";
      each.number.textContent = percent < 0.5 ? "<1%" : percent.toFixed(0) + "%";
    });
    this.paintCode(found.code);
    this.says.textContent =
      "Most probable class: " + data.names[found.label] + ", " + (100 * found.probabilities[found.label]).toFixed(0) + "%. " +
      "Nearest cluster: number " + (found.cluster + 1) + " of " + data.clusters.centres.length + ", where " + (100 * fraction).toFixed(0) +
      "% of the training images are of class " + data.names[data.clusters.classes[found.cluster]] + ". " +
      "Squared error with all numbers: " + found.error.toFixed(1) + ", which is " +
      (found.error > data.detector.threshold ? "above" : "not above") + " the detector's threshold of " + data.detector.threshold.toFixed(1) + ": " +
      (found.error > data.detector.threshold ? "it finds this image odd." : "an image like many others.");
  };

  /* A bar for each number of the code, up or down. */
  Sheet.prototype.paintCode = function (code) {
    var context = this.code.getContext("2d"), high = this.code.height / 2, top = 1e-6;
    code.forEach(function (value) { top = Math.max(top, Math.abs(value)); });
    context.clearRect(0, 0, this.code.width, this.code.height);
    context.fillStyle = getComputedStyle(this.root).color;
    code.forEach(function (value, j) { context.fillRect(6 * j, high, 4, -value / top * (high - 1)); });
    context.fillRect(0, high, this.code.width, 1);
    this.code.setAttribute("aria-label", "The code: " + Array.from(code).slice(0, 5).map(function (value) { return value.toFixed(1); }).join(", ") + " and so on");
  };

  tools.digits.normalised = normalised;
  tools.whenSeen("ae-draw", "aeDigitsData", function (root, data) { root.aeDraw = new Sheet(root, data); });
})();
