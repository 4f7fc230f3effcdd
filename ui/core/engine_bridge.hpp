// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/parity_types.hpp"
#include "engine/session/profile_types.hpp"
#include "engine/session/session.hpp"
#include "engine/session/tune_types.hpp"
#include "engine/session/types.hpp"
#include "engine/session/worker_session.hpp"

#include <QObject>
#include <QString>
#include <QStringList>

#include <array>
#include <functional>
#include <map>
#include <memory>

namespace tandem::ui {

/// Makes the session the bridge talks to; `ended` must be called when its worker is gone.
using SessionFactory =
    std::function<Result<std::unique_ptr<session::Session>>(std::function<void(const session::WorkerEnd&)> ended)>;

/// What the user chose in the Devices panel; sent again to every new worker.
struct EngineConfig {
  QString cores; ///< "0;1"; empty: one set with all cores
  QStringList hidden;
  std::map<QString, qint64> memoryLimits;
  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};

/// Names an opened model: by the worker's handle, or by its source while no worker has it open.
struct ModelRef {
  int handle = 0;
  QString source;
};

struct PredictSpec {
  QStringList inputs;
  std::string device;                             ///< used when `placement` is empty
  std::optional<session::PlacementDoc> placement; ///< the current one
  QString labels;                                 ///< file; empty: the one beside the model
  QString text;                                   ///< for BERT-like models; empty: only files
  QString vocabulary;                             ///< file; empty: the one beside the model
  QString preprocess;                             ///< how pictures become tensors; empty: guessed
  QString audio;                                  ///< how sound becomes tensors; empty: guessed
  int top = 5;
};

/// The engine for the window: typed requests that answer on the UI thread, and a worker that is replaced when it ends.
///
/// All methods are called, and all answers and signals come, on the UI thread. Answers of `open`, `placement`,
/// `predict`, `preview`, `profile` and `compare` that a newer request of the same kind has overtaken are dropped. When
/// the worker ends, open requests answer with ErrorCode::WorkerLost, then workerLost() is emitted and a new worker is
/// started; workerReady() tells that it answers, after which documents must be opened again. The destructor ends the
/// worker.
class EngineBridge : public QObject {
  Q_OBJECT
 public:
  template <class T> using Done = std::function<void(const Result<T>&)>;
  using Progress = std::function<void(double done, double total, const QString& text)>;

  explicit EngineBridge(SessionFactory factory, QObject* parent = nullptr);
  ~EngineBridge() override;

  /// Starts the first worker, or another one after engineUnavailable().
  void start();
  [[nodiscard]] bool isReady() const { return m_ready; }
  [[nodiscard]] int workerPid() const { return m_pid; }
  /// Requests that have not been answered yet.
  [[nodiscard]] int pending() const { return m_pending; }
  [[nodiscard]] const EngineConfig& config() const { return m_config; }
  /// Sets what the first worker gets, before start().
  void setInitialConfig(const EngineConfig& config) { m_config = config; }

  void configure(const EngineConfig& config, Done<session::DeviceList> done);
  void devices(bool probe, Done<session::DeviceList> done);
  void models(Done<std::vector<session::SampleSummary>> done);
  /// Sizes for what a model leaves open, by key (session::FreeDimSummary).
  using Sizes = std::map<std::string, std::int64_t>;
  void open(const QString& source, const Sizes& sizes, Done<session::Document> done);
  /// The open model with other sizes, under the same handle.
  void resize(int handle, const Sizes& sizes, Done<session::Document> done);
  void close(int handle);
  void placement(const ModelRef& model, const session::PlacementDoc& placement, Done<session::PlacementView> done);
  void predict(const ModelRef& model, const PredictSpec& spec, Done<std::vector<session::Prediction>> done,
               Progress progress = {});
  /// The first input as the model gets it; device, placement and labels of the spec do not matter.
  void preview(const ModelRef& model, const PredictSpec& spec, Done<session::InputPreview> done);
  /// Times every layer where the placement puts it, and measures what the devices can do.
  /// `nodeCount`: of the model, to check the answer.
  void profile(const ModelRef& model, int nodeCount, const session::PlacementDoc& placement,
               Done<session::Profile> done, Progress progress = {});
  struct TuneSpec {
    QString device; ///< all layers on it; empty: where `placement` puts them
    session::PlacementDoc placement;
    int batch = 1;
    double seconds = 60; ///< no further round begins after that time
    bool again = false;  ///< measures what is known from earlier, too
  };
  /// Finds the fastest kernels. `nodeCount`: of the model, to check the answer.
  void tune(const ModelRef& model, int nodeCount, const TuneSpec& spec, Done<session::Tuning> done,
            Progress progress = {});
  /// Numeric comparison of two placements, layer by layer.
  void compare(const ModelRef& model, const session::ParitySpec& spec, Done<session::Parity> done,
               Progress progress = {});
  /// One run at a time; `snapshot` comes ten times a second.
  void run(const ModelRef& model, const session::RunSpec& spec, Done<session::Report> done,
           std::function<void(const session::Snapshot&)> snapshot, Progress progress = {});
  /// Asks for a change of the run that goes on, beside it. The answer says whether it was taken, not that it is made:
  /// that is told by the events of later snapshots.
  void deploy(const session::RunChange& change, Done<bool> done);
  /// Ends the run early; it still answers with its report.
  void stopRun();
  void exportPlacement(const ModelRef& model, const session::PlacementDoc& placement, const QString& format,
                       const QString& folder, bool overwrite, Done<session::ExportResult> done);
  /// Asks the newest request of these kinds to stop.
  void cancelOpen();
  void cancelPredict();
  void cancelProfile();
  void cancelCompare();
  void cancelTune();

 signals:
  void workerReady(bool replacement);
  void workerLost(const QString& message, const QString& device);
  /// Workers end before they answer; start() tries again.
  void engineUnavailable(const tandem::Error& error);
  void busyChanged();

 private:
  enum Channel { kOpen, kPlacement, kPredict, kPreview, kProfile, kParity, kTune, kRun, kDevices, kOther, kChannels };
  struct Job {
    quint64 number = 0;
    std::uint64_t request = 0;
  };
  template <class T>
  void send(Channel channel, const char* method, const session::Json& params,
            std::function<Result<T>(const session::Json&)> decode, Done<T> done, Done<T> stale = {},
            session::EventFunction event = {});
  session::EventFunction progressEvents(Progress progress);
  void cancel(Channel channel);
  void launch();
  void handleEnd(const session::WorkerEnd& end, int generation);
  [[nodiscard]] session::Json configParams() const;

  SessionFactory m_factory;
  std::unique_ptr<session::Session> m_session;
  EngineConfig m_config;
  std::array<Job, kChannels> m_jobs{};
  int m_generation = 0;
  int m_pending = 0;
  int m_pid = 0;
  int m_failedStarts = 0;
  bool m_ready = false;
};

} // namespace tandem::ui
