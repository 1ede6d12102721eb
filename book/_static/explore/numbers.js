/* How many numbers? A slider from one number to all of them, over real test images. */
(function () {
  "use strict";

  var tools = window.aeExplore, digits = tools.digits;
  var SHOWN = 6; // test images side by side
  var FIRST = 8; // numbers, to begin with
  var CHART = { width: 380, height: 190, left: 44, right: 10, top: 10, bottom: 34 };

  function HowMany(root, data) {
    this.root = root;
    this.data = data;
    this.model = new digits.Model(data);
    this.all = digits.images(data);
    this.draw = tools.painter(this.paint.bind(this));
    this.from = 0;
    this.build();
    this.choose(0);
  }

  HowMany.prototype.build = function () {
    var self = this, label = tools.element("label", "", "ae-numbers-slider"), rows = tools.element("div", "", "ae-numbers-rows");
    this.slider = document.createElement("input");
    this.slider.type = "range";
    this.slider.min = 1;
    this.slider.max = this.model.numbers;
    this.slider.value = FIRST;
    this.slider.addEventListener("input", this.draw);
    this.output = tools.element("output");
    label.appendChild(tools.element("span", "Numbers per image"));
    label.appendChild(this.slider);
    label.appendChild(this.output);
    var more = tools.element("button", "Other images");
    more.type = "button";
    more.addEventListener("click", function () { self.choose(self.from + 1); });
    this.rows = ["original", "autoencoder", "PCA"].map(function (name) {
      var row = tools.element("div", "", "ae-numbers-row"), found = [];
      row.appendChild(tools.element("span", name));
      for (var i = 0; i < SHOWN; i += 1) {
        found.push(tools.picture(self.data.width, self.data.height, "ae-explore-image"));
        row.appendChild(found[i]);
      }
      rows.appendChild(row);
      return found;
    });
    this.chart = tools.picture(CHART.width, CHART.height, "ae-numbers-chart");
    this.says = document.createElement("p");
    this.says.setAttribute("aria-live", "polite");
    [label, rows, this.says, this.chart, more].forEach(function (part) { self.root.appendChild(part); });
    new MutationObserver(this.draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  /* Take other test images, and encode them once. */
  HowMany.prototype.choose = function (from) {
    var of = Math.ceil(this.all.length / SHOWN), model = this.model, chosen = [];
    this.from = from % of;
    // Every so many-th, so that there are different classes side by side.
    for (var i = 0; i < SHOWN; i += 1) chosen.push((this.from + i * of) % this.all.length);
    this.images = chosen.map(function (index) { return this.all[index]; }, this);
    this.names = chosen.map(function (index) { return this.data.names[this.data.classes[index]]; }, this);
    this.codes = this.images.map(function (image) { return model.encode(image); });
    this.coordinates = this.images.map(function (image) { return model.project(image); });
    this.draw();
  };

  HowMany.prototype.count = function () { return Number(this.slider.value); };

  HowMany.prototype.paint = function () {
    var k = this.count(), model = this.model, data = this.data;
    for (var i = 0; i < SHOWN; i += 1) {
      var of = "a " + this.names[i] + " from " + digits.numbers(k);
      tools.show(this.rows[0][i], this.images[i], "A " + this.names[i] + " as it is");
      tools.show(this.rows[1][i], model.decode(this.codes[i], k), "The autoencoder's reconstruction of " + of);
      tools.show(this.rows[2][i], model.decodePCA(this.coordinates[i], k), "PCA's reconstruction of " + of);
    }
    var ours = data.errors.autoencoder[k - 1], theirs = data.errors.PCA[k - 1];
    this.output.textContent = k;
    this.slider.setAttribute("aria-valuetext", digits.numbers(k));
    this.says.textContent = "With " + digits.numbers(k) + " per image, the squared error per test image, over all test images, is " +
      ours.toFixed(1) + " for the autoencoder and " + theirs.toFixed(1) + " for PCA: " +
      (ours < theirs ? "the autoencoder's is smaller." : ours > theirs ? "PCA's is smaller." : "the two are equal.");
    this.paintChart(k);
  };

  HowMany.prototype.paintChart = function (k) {
    var context = this.chart.getContext("2d"), errors = this.data.errors, n = this.model.numbers;
    var style = getComputedStyle(this.root), dark = document.documentElement.dataset.theme === "dark";
    var colours = { autoencoder: dark ? "#7cc4ff" : "#0059b3", PCA: dark ? "#ffb454" : "#a04d00" };
    var top = Math.max(errors.autoencoder[0], errors.PCA[0]);
    function x(count) { return CHART.left + (count - 1) / (n - 1) * (CHART.width - CHART.left - CHART.right); }
    function y(value) { return CHART.height - CHART.bottom - value / top * (CHART.height - CHART.top - CHART.bottom); }
    context.clearRect(0, 0, CHART.width, CHART.height);
    context.font = "12px " + style.fontFamily;
    context.fillStyle = context.strokeStyle = style.color;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(1), CHART.top);
    context.lineTo(x(1), y(0));
    context.lineTo(x(n), y(0));
    context.stroke();
    context.textAlign = "center";
    [1, 16, 32, 48, 64].forEach(function (count) { if (count <= n) context.fillText(count, x(count), y(0) + 14); });
    context.fillText("numbers per image", x((n + 1) / 2), y(0) + 29);
    context.textAlign = "right";
    [0, 20, 40].forEach(function (value) { if (value < top) context.fillText(value, x(1) - 5, y(value) + 4); });
    context.beginPath();
    context.setLineDash([3, 3]);
    context.moveTo(x(k), CHART.top);
    context.lineTo(x(k), y(0));
    context.stroke();
    context.setLineDash([]);
    ["autoencoder", "PCA"].forEach(function (name, row) {
      context.strokeStyle = context.fillStyle = colours[name];
      context.lineWidth = 2;
      context.setLineDash(row ? [6, 3] : []);
      context.beginPath();
      errors[name].forEach(function (value, i) { context[i ? "lineTo" : "moveTo"](x(i + 1), y(value)); });
      context.stroke();
      context.setLineDash([]);
      context.beginPath();
      context.arc(x(k), y(errors[name][k - 1]), 4, 0, 2 * Math.PI);
      context.fill();
      context.fillText(name, x(n), CHART.top + 14 + 18 * row);
    });
    this.chart.setAttribute("aria-label", "Squared error per test image for 1 to " + n + " numbers: two falling lines, of the autoencoder and of PCA.");
  };

  tools.whenSeen("ae-numbers", "aeDigitsData", function (root, data) { root.aeNumbers = new HowMany(root, data); });
})();
