/*
 * One autoencoder whose numbers are in order, for two moving pictures: "Draw a digit" and "How many numbers?".
 * Beside its trained layers lies PCA's path, whose weights are PCA's own.
 */
(function () {
  "use strict";

  var tools = window.aeExplore;

  function Model(data) {
    var n = data.width * data.height, k = data.errors.PCA.length;
    this.pixels = n;
    this.numbers = k;
    this.axes = tools.scaled(data.pca.kernel, data.pca.scale);
    this.mean = tools.floats(data.pca.mean);
    if (this.axes.length !== n * k || this.mean.length !== n) throw new Error("PCA has other weights than the images need");
    this.encoder = tools.unpack(data.encoder, n, k);
    this.decoder = tools.unpack(data.decoder, k, n);
    this.head = tools.unpack(data.head, k, data.names.length);
  }

  /* The coordinates of an image along PCA's axes. */
  Model.prototype.project = function (image) {
    var found = new Float32Array(this.numbers);
    for (var j = 0; j < this.numbers; j += 1) {
      var sum = 0, row = j * this.pixels;
      for (var i = 0; i < this.pixels; i += 1) sum += (image[i] - this.mean[i]) * this.axes[row + i];
      found[j] = sum;
    }
    return found;
  };

  /* The image at some coordinates along PCA's axes. */
  Model.prototype.unproject = function (numbers) {
    var found = Float32Array.from(this.mean);
    for (var j = 0; j < numbers.length; j += 1) {
      var value = numbers[j], row = j * this.pixels;
      if (value !== 0) for (var i = 0; i < this.pixels; i += 1) found[i] += value * this.axes[row + i];
    }
    return found;
  };

  Model.prototype.encode = function (image) { return add(this.project(image), tools.run(this.encoder, image)); };

  /* What the autoencoder makes of the first numbers of a code. */
  Model.prototype.decode = function (code, first) {
    var kept = code.map(function (value, j) { return j < first ? value : 0; });
    return clipped(add(this.unproject(kept), tools.run(this.decoder, kept)));
  };

  /* What PCA makes of the first coordinates. */
  Model.prototype.decodePCA = function (coordinates, first) { return clipped(this.unproject(coordinates.slice(0, first))); };

  Model.prototype.classes = function (code) { return tools.run(this.head, code); };

  function add(a, b) { return a.map(function (value, i) { return value + b[i]; }); }

  function clipped(values) { return values.map(function (value) { return Math.min(1, Math.max(0, value)); }); }

  /* The squared error of a reconstruction. */
  function error(image, rebuilt) {
    var sum = 0;
    for (var i = 0; i < image.length; i += 1) sum += Math.pow(image[i] - rebuilt[i], 2);
    return sum;
  }

  /* The images at hand, with values from 0 to 1. */
  function images(data) {
    var all = tools.bytes(data.images), n = data.width * data.height, found = [];
    if (all.length !== n * data.classes.length) throw new Error("there are other images than it says");
    for (var k = 0; k < data.classes.length; k += 1) {
      found.push(Float32Array.from(all.subarray(k * n, (k + 1) * n), function (value) { return value / 255; }));
    }
    return found;
  }

  /* A picture with words below it. */
  function framed(data, words) {
    var figure = tools.element("figure", "", "ae-explore-frame"), caption = tools.element("figcaption", words);
    var canvas = tools.picture(data.width, data.height, "ae-explore-image");
    figure.appendChild(canvas);
    figure.appendChild(caption);
    return { figure: figure, canvas: canvas, caption: caption };
  }

  function numbers(count) { return count + (count === 1 ? " number" : " numbers"); }

  window.aeExplore.digits = { Model: Model, error: error, images: images, framed: framed, numbers: numbers };
})();
