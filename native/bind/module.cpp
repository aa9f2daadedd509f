// The only file that knows Python: checks shapes and types, releases the GIL, calls the engine.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "augment.h"
#include "engine.h"
#include "outside.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, int Dims>
using Array = nb::ndarray<T, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;
using Floats = Array<const float, 1>;
using Pixels = Array<const uint8_t, 4>;
using Integers = Array<const int32_t, 1>;

void require(bool holds, const char* message) {
    if (!holds) throw std::invalid_argument(message);
}

// A session and the lock that keeps a second Python thread out while it works.
class Engine {
public:
    Engine(Array<const int32_t, 2> steps, int64_t table, int channels, int height, int width,
           const std::string& isa, int threads, const std::string& convolution)
        : table_(table), channels_(channels), height_(height), width_(width) {
        constexpr size_t fields = sizeof(lenet::Step) / sizeof(int32_t);
        require(steps.shape(1) == fields, "a step has another number of fields.");
        session_ = std::make_unique<lenet::Session>(
            reinterpret_cast<const lenet::Step*>(steps.data()), int(steps.shape(0)), table,
            isa.c_str(), threads, convolution.c_str());
    }

    void scores(Floats table, Pixels images, Floats scale, Floats shift,
                Array<float, 2> scores) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(scores.shape(0) == images.shape(0) &&
                    int(scores.shape(1)) == session_->classes(),
                "the scores' shape is not (images, classes).");
        const Outside python;
        std::lock_guard<std::mutex> guard(lock_);
        session_->scores(table.data(), view, scores.data());
    }

    nb::tuple gradient(Floats table, Pixels images, Integers labels, Floats scale, Floats shift,
                       float smoothing, float dropout, uint64_t seed, Floats weights, int64_t step,
                       Array<float, 1> gradient) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(labels.size() == images.shape(0) && images.shape(0) > 0,
                "there must be a label for every image, and at least one.");
        require(int64_t(gradient.size()) == table_, "the gradient's size is not the table's.");
        const lenet::Objective objective =
            check_objective(smoothing, dropout, seed, weights, images);
        int64_t correct = 0;
        double loss;
        {
            const Outside python;
            std::lock_guard<std::mutex> guard(lock_);
            loss = session_->gradient(table.data(), view, labels.data(), objective, step,
                                      gradient.data(), &correct);
        }
        return nb::make_tuple(loss, correct);
    }

    int64_t train(Array<float, 1> table, Array<float, 2> state, Pixels images, Integers labels,
                  Integers order, int batch, Floats rates, int64_t first_step, Floats scale,
                  Floats shift, int rule, Floats constants, float smoothing, float dropout,
                  uint64_t seed, Floats weights, Array<double, 1> losses,
                  Array<int64_t, 1> correct) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(labels.size() == images.shape(0), "there must be a label for every image.");
        require(batch >= 1, "a batch holds at least one sample.");
        const size_t steps = (order.size() + size_t(batch) - 1) / size_t(batch);
        require(rates.size() == steps && losses.size() == steps && correct.size() == steps,
                "there must be a rate, a loss and a count for every step.");
        require(rule >= 0 && rule <= 3 && constants.size() == 7,
                "an optimizer is a rule from 0 to 3 and seven constants.");
        const float* c = constants.data();
        const lenet::Optimizer optimizer{lenet::Rule(rule), c[0], c[1], c[2], c[3], c[4],
                                         c[5],              c[6]};
        const int rows = optimizer.rows();
        require(int(state.shape(0)) >= rows && (!rows || int64_t(state.shape(1)) == table_),
                "the optimizer's state has the wrong shape.");
        const lenet::Objective objective =
            check_objective(smoothing, dropout, seed, weights, images);
        const lenet::Schedule schedule{order.data(), int64_t(order.size()), batch, rates.data(),
                                       first_step};
        const Outside python;
        std::lock_guard<std::mutex> guard(lock_);
        return session_
            ->train(table.data(), rows ? state.data() : nullptr, view, labels.data(), schedule,
                    optimizer, objective, losses.data(), correct.data())
            .steps;
    }

    std::string isa() const { return session_->isa(); }
    int threads() const { return session_->threads(); }

private:
    lenet::Images check(const float* table, size_t size, const Pixels& images,
                        const Floats& scale, const Floats& shift) const {
        require(int64_t(size) == table_, "the parameter table has another size than the plan's.");
        require(reinterpret_cast<uintptr_t>(table) % 4 == 0, "the parameter table is misaligned.");
        require(int(images.shape(1)) == channels_ && int(images.shape(2)) == height_ &&
                    int(images.shape(3)) == width_,
                "the images' shape is not the network's input shape.");
        require(int(scale.size()) == channels_ && int(shift.size()) == channels_,
                "scale and shift need one number a channel.");
        return {images.data(), int64_t(images.shape(0)), scale.data(), shift.data()};
    }

    // weights: one an image, or none at all.
    static lenet::Objective check_objective(float smoothing, float dropout, uint64_t seed,
                                            const Floats& weights, const Pixels& images) {
        require(smoothing >= 0 && smoothing < 1 && dropout >= 0 && dropout < 1,
                "smoothing and dropout are shares from 0 to below 1.");
        require(!weights.size() || weights.size() == images.shape(0),
                "there must be a weight for every image.");
        return {smoothing, dropout, seed, weights.size() ? weights.data() : nullptr};
    }

    int64_t table_;
    int channels_, height_, width_;
    std::unique_ptr<lenet::Session> session_;
    std::mutex lock_;
};

// B images distorted; arrays of no rows stand for what is not asked for.
void warp(Pixels images, Integers order, Array<const int32_t, 2> affine,
          Array<const uint8_t, 2> nodes, int elastic, Array<const int32_t, 2> row_weights,
          Array<const int32_t, 2> column_weights, uint64_t noise_key, int noise,
          Array<const int32_t, 2> corners, int side, Array<const uint8_t, 1> fill,
          Array<uint8_t, 4> out, const std::string& isa, int threads) {
    const size_t size = order.size(), channels = images.shape(1), height = images.shape(2),
                 width = images.shape(3);
    const auto is = [](const auto& array, size_t rows, size_t columns) {
        return array.shape(0) == rows && array.shape(1) == columns;
    };
    constexpr size_t grid = lenet::warp_nodes;
    const bool bent = nodes.shape(0) > 0;
    require(is(affine, size, 6), "affine needs six numbers an image.");
    require(!bent || (is(nodes, size, 2 * grid * grid) && is(row_weights, grid, height) &&
                      is(column_weights, grid, width)),
            "the nodes or their weights have the wrong shape.");
    require(!side || is(corners, size, 2), "a square needs two numbers an image.");
    require(fill.size() == channels, "fill needs one number a channel.");
    require(out.shape(0) == size && out.shape(1) == channels && out.shape(2) == height &&
                out.shape(3) == width,
            "the result's shape is not the images'.");
    require(channels <= 4096 && height <= 4096 && width <= 4096,
            "an image has at most 4,096 channels, rows and columns.");
    const lenet::Warp warp{.images = images.data(),
                           .count = int64_t(images.shape(0)),
                           .channels = int(channels),
                           .height = int(height),
                           .width = int(width),
                           .order = order.data(),
                           .size = int64_t(size),
                           .affine = affine.data(),
                           .nodes = bent ? nodes.data() : nullptr,
                           .elastic = elastic,
                           .row_weights = row_weights.data(),
                           .column_weights = column_weights.data(),
                           .noise_key = noise_key,
                           .noise = noise,
                           .corners = corners.data(),
                           .side = side,
                           .fill = fill.data()};
    const Outside python;
    lenet::warp_images(warp, isa.c_str(), threads, out.data());
}

}  // namespace

NB_MODULE(_native, m) {
    // A process that ends in the middle of work (a fork's child) never gives everything back; that is
    // no news to a user.
    nb::set_leak_warnings(false);
    Outside::watch_forks();
    nb::module_::import_("atexit").attr("register")(nb::cpp_function(&Outside::close));
    m.doc() = "The native engine; use it through lenet.engine.native.";
    nb::class_<Engine>(m, "Session")
        .def(nb::init<Array<const int32_t, 2>, int64_t, int, int, int, const std::string&, int,
                      const std::string&>(),
             "steps"_a, "table"_a, "channels"_a, "height"_a, "width"_a, "isa"_a, "threads"_a,
             "convolution"_a)
        // What is written to must not be converted: the copy would be written, and thrown away.
        .def("scores", &Engine::scores, "table"_a, "images"_a.noconvert(), "scale"_a, "shift"_a,
             "scores"_a.noconvert())
        .def("gradient", &Engine::gradient, "table"_a, "images"_a.noconvert(), "labels"_a,
             "scale"_a, "shift"_a, "smoothing"_a, "dropout"_a, "seed"_a, "weights"_a, "step"_a,
             "gradient"_a.noconvert())
        .def("train", &Engine::train, "table"_a.noconvert(), "state"_a.noconvert(),
             "images"_a.noconvert(), "labels"_a, "order"_a, "batch"_a, "rates"_a, "first_step"_a,
             "scale"_a, "shift"_a, "rule"_a, "constants"_a, "smoothing"_a, "dropout"_a, "seed"_a,
             "weights"_a, "losses"_a.noconvert(),
             "correct"_a.noconvert())
        .def_prop_ro("isa", &Engine::isa)
        .def_prop_ro("threads", &Engine::threads);
    m.def("available_isas", [] {
        nb::list names;
        for (const char* const* name = lenet::available_isas(); *name; name++)
            names.append(nb::str(*name));
        return names;
    });
    m.def(
        "measure_peak",
        [](const std::string& isa, int threads, double seconds) {
            const Outside python;
            return lenet::measure_peak(isa.c_str(), threads, seconds);
        },
        "isa"_a, "threads"_a, "seconds"_a);
    m.def("warp", &warp, "images"_a.noconvert(), "order"_a, "affine"_a, "nodes"_a, "elastic"_a,
          "row_weights"_a, "column_weights"_a, "noise_key"_a, "noise"_a, "corners"_a, "side"_a,
          "fill"_a, "out"_a.noconvert(), "isa"_a, "threads"_a);
}
