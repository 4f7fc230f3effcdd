// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/hysteresis.hpp"
#include "engine/serving/model_backend.hpp"
#include "engine/serving/router.hpp"

#include <optional>

namespace tandem {

/// A replica to be: how to compile it, and how it serves.
struct ReplicaPlan {
  ReplicaOptions options;
  VariantFactory factory;
  VariantFactory exactFactory = {}; ///< the same in the model's precision, where `factory` compiles for another
  /// In place of `factory`, where something else than a model is to be served.
  std::function<std::unique_ptr<ReplicaBackend>(BusyMeters&)> backend = {};
  std::vector<std::string> deviceIds = {}; ///< for display, "CPU:0", in order of first use
  std::string summary = {};                ///< of its effective placement
};

/// "CPU:0 + GPU:0"
std::string devicesText(const ReplicaPlan& plan);

/// What a replica cost to set up.
struct ReplicaCost {
  double compileMs = 0, warmupMs = 0;
  std::int64_t rssBytes = 0; ///< by how much the process grew meanwhile
};

/// What a run does to a replica before it serves.
struct ReplicaSetup {
  std::vector<int> sizes;                  ///< of requests
  std::vector<const RequestData*> warmups; ///< run on every stream
  CancelToken cancel;
  TraceRecorder* trace = nullptr;
};

/// Something that happened to a deployment while it served.
struct ServingEvent {
  std::int64_t timeNs = 0;
  std::string text; ///< "GPU:0 is hung: ...", "split of 16: 11 + 5"
};

struct DeploymentOptions {
  std::size_t queueLimit = std::size_t{1} << 14; ///< requests waiting and running; more are refused
};

/// Replicas behind a router. Replicas come, change and go while requests are served. Thread-safe; changes are made one
/// after another.
class Deployment {
 public:
  struct Entry {
    ReplicaPlan plan;
    std::unique_ptr<Replica> replica;
    ReplicaCost cost;
    std::size_t place = 0; ///< among those present: that of the one it replaced, else its own
  };

  /// Names that are empty or taken are made unique ("CPU:0", "CPU:0 #2"). Nothing is compiled yet.
  static Result<std::unique_ptr<Deployment>> create(std::vector<ReplicaPlan> plans, const Route& route,
                                                    const DeploymentOptions& options = {});
  ~Deployment();

  Router& router() { return *m_router; }
  RequestTable& table() { return m_table; }
  BusyMeters& meters() { return m_meters; }
  /// All replicas there ever were, those that are gone included, in the order they came. Valid as long as this.
  std::vector<const Entry*> entries() const;
  std::vector<Replica*> replicas() const;
  /// Those that are not gone. Where one was replaced, the new one has its place: routes count places.
  std::vector<Replica*> present() const;

  /// The threshold of size:N and size:auto follows what is measured where that gains at least `margin` (0.1: a tenth)
  /// three seconds in a row; 0: size:N stays, size:auto follows at once. Before setUp().
  void setLiveMargin(double margin);

  /// Compiles and warms up all replicas of create(). They do not serve yet.
  Result<void> setUp(const ReplicaSetup& setup);
  /// Lets all serve, and watches them from now on.
  void start();

  /// Adds a replica while others serve; requests reach it once it is compiled and warm. Returns its name.
  Result<std::string> add(ReplicaPlan plan, const ReplicaSetup& setup);
  /// No new requests go to it; returns when those it has are done and its memory is given back. The last one stays.
  Result<void> remove(const std::string& name);
  /// Adds `plan` under the name of an old replica, then removes that one.
  Result<void> replace(const std::string& name, ReplicaPlan plan, const ReplicaSetup& setup);
  Result<void> setRoute(const Route& route);
  /// As setRoute(), for a stretch of a measurement: nothing is noted.
  Result<void> useRoute(const Route& route);

  /// Tells what happens from now on; called on any thread, one at a time.
  void setListener(std::function<void(const ServingEvent&)> listener);
  std::vector<ServingEvent> events() const;
  void note(std::string text);

 private:
  explicit Deployment(const DeploymentOptions& options);
  Entry& insert(ReplicaPlan plan, const Entry* replaced);
  Result<void> setUp(Entry& entry, const ReplicaSetup& setup);
  Result<void> publish(const Route& route);
  Entry* find(const std::string& name);
  void supervise();
  Result<void> measureRoute(const ReplicaSetup& setup);
  Result<void> measureSplit(const std::vector<Replica*>& replicas, const RequestData& data, const ReplicaSetup& setup);
  void rebalance();
  bool rebalanceSplit(const std::vector<Replica*>& replicas, int items);
  bool askAgain(int items, const std::vector<int>& shares, std::vector<int>& next);
  int crossover(const std::vector<Replica*>& replicas) const;
  double sizeNs(const std::vector<Replica*>& replicas, int items, int threshold) const;
  bool followThreshold(const std::vector<Replica*>& replicas);

  RequestTable m_table;
  BusyMeters m_meters;
  std::unique_ptr<Router> m_router;
  std::mutex m_changes;       // one change at a time
  mutable std::mutex m_mutex; // entries, events
  std::deque<Entry> m_entries;
  std::vector<int> m_sizes;              ///< of requests
  Route m_route;                         ///< as asked for; the router's may have a measured size
  int m_size = 0;                        ///< size:auto: as measured; size:N where it may follow
  double m_liveMargin = 0;               ///< 0: size:N does not follow
  std::optional<Hysteresis> m_threshold; ///< where m_liveMargin is set
  int m_sizeBefore = 0;                  ///< the threshold before the last change
  bool m_saidTooLittle = false;
  std::map<int, std::vector<int>> m_shares;                   ///< split: by request size
  std::map<int, std::pair<std::vector<int>, int>> m_proposed; ///< split: by request size, and seconds in a row
  std::map<int, int> m_withNothing;                ///< split: seconds that a replica has got nothing, by request size
  std::map<const Replica*, ServicePoints> m_alone; ///< split: what executions took at set-up
  std::vector<ServingEvent> m_events;
  std::function<void(const ServingEvent&)> m_listener;
  std::thread m_supervisor;
  std::condition_variable m_wake;
  bool m_stop = false;
};

} // namespace tandem
