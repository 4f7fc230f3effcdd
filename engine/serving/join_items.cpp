// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/join_items.hpp"

#include "engine/base/checked.hpp"

#include <cstring>

namespace tandem {
namespace {

/// Where an item lies in a request: `outer` pieces of `bytes` bytes, `stride` apart.
struct Place {
  std::int64_t outer = 1, bytes = 0, stride = 0;
  std::int64_t places = 1; ///< the request's, in items
};

std::optional<Place> placeOf(const TensorDesc& item, const TensorDesc& request, int items) {
  const std::size_t rank = request.shape.rank();
  if (item.type != request.type || item.shape.rank() != rank || byteSize(item.type) == 0) return std::nullopt;
  std::size_t axis = rank;
  for (std::size_t i = 0; i < rank; ++i) {
    if (item.shape[i] == request.shape[i]) continue;
    if (axis != rank || item.shape[i] <= 0 || request.shape[i] % item.shape[i] != 0) return std::nullopt;
    axis = i;
  }
  Place place;
  if (axis < rank) place.places = request.shape[axis] / item.shape[axis];
  if (place.places > items) return std::nullopt; // some would stay empty
  for (std::size_t i = 0; i < axis && axis < rank; ++i) place.outer *= item.shape[i];
  place.bytes = item.bytes() / std::max<std::int64_t>(place.outer, 1);
  place.stride = place.bytes * place.places;
  return place;
}

Error misfit(const TensorDesc& item, const TensorDesc& request, int items) {
  return makeError(ErrorCode::InputRejected,
                   "the input is " + item.toString() + ", a request of " + std::to_string(items) + " item(s) needs " +
                       request.toString(),
                   {}, "give inputs of one item each, all of one shape");
}

} // namespace

Result<std::vector<TensorDesc>> joinedShapes(int items, std::span<const Tensor> item) {
  std::vector<TensorDesc> descs;
  for (const Tensor& tensor : item) {
    TensorDesc desc = tensor.desc();
    if (desc.shape.rank() > 0) {
      const auto size = checkedMul(desc.shape[0], items);
      if (!size)
        return makeError(ErrorCode::InputRejected, "a batch of " + std::to_string(items) + " is too large",
                         desc.toString(), "use smaller batches");
      desc.shape[0] = *size;
    }
    descs.push_back(std::move(desc));
  }
  return descs;
}

Result<void> joinItem(std::span<const Tensor> item, int slot, RequestData& request) {
  if (item.size() != request.inputs.size())
    return makeError(ErrorCode::InputRejected,
                     "the input has " + std::to_string(item.size()) + " tensor(s), the model takes " +
                         std::to_string(request.inputs.size()),
                     {}, "give one tensor per input of the model");
  std::vector<Place> places;
  for (std::size_t i = 0; i < item.size(); ++i) {
    const auto place = placeOf(item[i].desc(), request.inputs[i].desc(), request.items);
    if (!place) return misfit(item[i].desc(), request.inputs[i].desc(), request.items);
    places.push_back(*place);
  }
  for (std::size_t i = 0; i < item.size(); ++i) {
    const Place& place = places[i];
    if (slot >= place.places || place.bytes == 0) continue;
    const auto* from = static_cast<const std::byte*>(item[i].data());
    auto* to = static_cast<std::byte*>(request.inputs[i].mutableData()) + slot * place.bytes;
    for (std::int64_t k = 0; k < place.outer; ++k)
      std::memcpy(to + k * place.stride, from + k * place.bytes, static_cast<std::size_t>(place.bytes));
  }
  return {};
}

} // namespace tandem
