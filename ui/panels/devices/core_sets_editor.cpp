// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/devices/core_sets_editor.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/cpu_map/cpu_map.hpp"

#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QRegularExpressionValidator>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr std::size_t kMaxSets = 64; // that the menu offers: each is a device

QString setName(std::size_t index) { return QStringLiteral("CPU:%1").arg(index); }

/// What the sets are called in the menu; others show the engine's name.
QString presetText(const NamedCoreSets& named) {
  const QString name = toQString(named.name);
  if (name == QLatin1String("all")) return CoreSetsEditor::tr("&Whole processor");
  if (name == QLatin1String("cores")) return CoreSetsEditor::tr("&Cores: one set each");
  if (name == QLatin1String("halves")) return CoreSetsEditor::tr("&Halves");
  if (name == QLatin1String("numa")) return CoreSetsEditor::tr("&NUMA nodes");
  if (name == QLatin1String("packages")) return CoreSetsEditor::tr("&Packages");
  if (name == QLatin1String("l3")) return CoreSetsEditor::tr("&L3 caches");
  return name;
}

} // namespace

CoreSetsEditor::CoreSetsEditor(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("core_sets_editor"));
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(fontMetrics().height() / 3);
  m_mapPart = new QWidget(this);
  auto* part = new QVBoxLayout(m_mapPart);
  part->setContentsMargins(0, 0, 0, 0);
  part->setSpacing(column->spacing());
  m_scroll = new QScrollArea(m_mapPart);
  m_scroll->setObjectName(QStringLiteral("cpu_map_scroll"));
  m_scroll->setFrameShape(QFrame::NoFrame);
  m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_scroll->setFocusPolicy(Qt::NoFocus);
  m_map = new CpuMap(m_scroll);
  m_scroll->setWidget(m_map);
  part->addWidget(m_scroll);
  makeToolbar();
  column->addWidget(m_mapPart);

  auto* row = new QHBoxLayout;
  auto* label = new QLabel(tr("&Core sets"), this);
  m_text = new QLineEdit(this);
  m_text->setObjectName(QStringLiteral("core_sets"));
  m_text->setPlaceholderText(tr("all cores in one set"));
  m_text->setAccessibleName(tr("Core sets"));
  m_text->setClearButtonEnabled(true);
  m_text->setToolTip(tr("Split the processor into devices that do not share cores: \"0;1\" makes CPU:0 on core 0 and "
                        "CPU:1 on core 1, \"0-3;4-7\" two sets of four. Names work, too: cores, halves, \"p;e\", numa, "
                        "packages, l3; \"halves,nosmt\" uses one thread of each core. Press Enter to apply."));
  m_text->setValidator(
      new QRegularExpressionValidator(QRegularExpression(QStringLiteral("[0-9A-Za-z,;\\- ]*")), m_text));
  label->setBuddy(m_text);
  row->addWidget(label);
  row->addWidget(m_text, 1);
  m_apply = new QToolButton(this);
  m_apply->setText(tr("&Apply"));
  m_apply->setObjectName(QStringLiteral("apply_cores"));
  m_apply->setToolTip(
      tr("Makes each set a device of its own, on OpenCL, too. The devices are listed anew and lose what "
         "was measured; layers on a set that goes away run on CPU:0 and say so."));
  row->addWidget(m_apply);
  column->addLayout(row);
  m_status = new QLabel(this);
  m_status->setObjectName(QStringLiteral("core_sets_status"));
  m_status->setWordWrap(true);
  m_revert = new QToolButton(this);
  m_revert->setObjectName(QStringLiteral("revert_cores"));
  m_revert->setText(tr("Revert"));
  m_revert->setToolTip(tr("Shows the core sets again that are in use"));
  auto* below = new QHBoxLayout;
  below->addWidget(m_status, 1);
  below->addWidget(m_revert, 0, Qt::AlignTop);
  column->addLayout(below);

  connect(m_map, &CpuMap::assigned, this, &CoreSetsEditor::assign);
  connect(m_text, &QLineEdit::textEdited, this, &CoreSetsEditor::readText);
  connect(m_text, &QLineEdit::textChanged, this, [this] { // the clear button edits nothing
    if (m_text->text().isEmpty()) readText();
  });
  connect(m_text, &QLineEdit::returnPressed, this, &CoreSetsEditor::apply);
  connect(m_apply, &QToolButton::clicked, this, &CoreSetsEditor::apply);
  connect(m_revert, &QToolButton::clicked, this, [this] { setDraft(m_inForce); });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &CoreSetsEditor::refresh);
  connect(&m_workspace.runs, &RunController::stateChanged, this, &CoreSetsEditor::refresh);
  m_inForce = m_workspace.engine.config().cores;
  m_text->setText(m_inForce);
  if (parent) parent->installEventFilter(this);
  refresh();
}

void CoreSetsEditor::makeToolbar() {
  auto* bar = new QHBoxLayout;
  bar->setSpacing(fontMetrics().height() / 4);
  m_count = new QSpinBox(m_mapPart);
  m_count->setObjectName(QStringLiteral("core_set_count"));
  m_count->setAccessibleName(tr("Number of core sets"));
  m_count->setToolTip(tr("Divides the processor into so many equal sets"));
  m_count->setPrefix(tr("Sets: "));
  m_count->setRange(1, 1);
  m_count->setKeyboardTracking(false);
  bar->addWidget(m_count);
  m_brush = new QComboBox(m_mapPart);
  m_brush->setObjectName(QStringLiteral("core_set_brush"));
  m_brush->setAccessibleName(tr("Core set that clicks on the map give processors to"));
  m_brush->setToolTip(
      tr("Click or drag over the map to give processors to this set. By keyboard: arrow keys and Space, "
         "a digit for the set of that number, Delete for none, Shift+arrow to take the set along."));
  m_brush->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_brush->setMinimumContentsLength(4);
  bar->addWidget(m_brush, 1);
  m_presets = new QToolButton(m_mapPart);
  m_presets->setObjectName(QStringLiteral("core_set_presets"));
  m_presets->setText(tr("Divide"));
  m_presets->setAccessibleName(tr("Ways to divide the processor"));
  m_presets->setToolTip(tr("Divides the processor by cores, halves, kinds of core, NUMA nodes or caches"));
  m_presets->setPopupMode(QToolButton::InstantPopup);
  m_menu = new QMenu(m_presets);
  m_menu->setToolTipsVisible(true);
  m_presets->setMenu(m_menu);
  bar->addWidget(m_presets);
  static_cast<QVBoxLayout*>(m_mapPart->layout())->addLayout(bar);
  connect(m_count, &QSpinBox::valueChanged, this, &CoreSetsEditor::divide);
  connect(m_brush, &QComboBox::currentIndexChanged, this,
          [this](int index) { m_map->setBrush(index < static_cast<int>(m_sets.size()) ? index : -1); });
}

bool CoreSetsEditor::isDirty() const { return m_text->text().simplified().remove(QLatin1Char(' ')) != m_inForce; }

/// The engine has other devices, or a run began or ended.
void CoreSetsEditor::refresh() {
  const DeviceListModel& devices = m_workspace.devices;
  const QString cores = m_workspace.engine.config().cores;
  if (devices.list().topology.processors != m_topology.processors) {
    m_topology = devices.list().topology;
    m_count->setMaximum(std::max(1, withoutSiblings(m_topology.available(), m_topology).count()));
    fillPresets();
    m_map->setToolTip(toQString(m_topology.summary()));
  }
  m_mapPart->setVisible(!m_topology.empty());
  // A draft stays while the engine is asked other things, and when it refuses this one.
  if (!devices.isLoading() && cores != m_inForce) {
    m_inForce = cores;
    m_text->setText(cores);
  }
  readText();
}

/// The draft as its text says, as far as that can be read.
void CoreSetsEditor::readText() {
  const QString text = m_text->text().simplified().remove(QLatin1Char(' '));
  m_problem.clear();
  m_hint.clear();
  if (!m_topology.empty()) {
    if (text.isEmpty()) {
      m_sets = {m_topology.available()};
    } else if (auto sets = readCoreSets(text.toStdString(), m_topology)) {
      m_sets = std::move(*sets);
    } else {
      m_problem = errorHeadline(sets.error());
      m_hint = errorDetail(sets.error());
    }
  }
  showDraft();
}

void CoreSetsEditor::setDraft(const QString& text) {
  m_text->setText(text);
  readText();
}

void CoreSetsEditor::setSets(std::vector<CpuSet> sets) {
  m_sets = std::move(sets);
  m_problem.clear();
  m_hint.clear();
  for (std::size_t i = 0; i < m_sets.size(); ++i)
    if (m_sets[i].empty() && m_problem.isEmpty())
      m_problem = tr("%1 has no processor: click some, or take fewer sets").arg(setName(i));
  const bool whole = m_sets.size() == 1 && m_sets.front() == m_topology.available();
  {
    const QSignalBlocker own(m_text); // the text of sets without processors would not be read back
    m_text->setText(whole ? QString() : toQString(toText(m_sets)));
  }
  showDraft();
}

void CoreSetsEditor::assign(int processor, int set) {
  std::vector<CpuSet> sets;
  for (std::size_t i = 0; i < m_sets.size(); ++i) {
    std::vector<int> cpus;
    for (int cpu : m_sets[i].cpus())
      if (cpu != processor) cpus.push_back(cpu);
    if (static_cast<int>(i) == set) cpus.push_back(processor);
    sets.emplace_back(std::move(cpus));
  }
  setSets(std::move(sets));
}

void CoreSetsEditor::divide(int count) {
  std::vector<CpuSet> sets = count == 1 ? std::vector<CpuSet>{m_topology.available()} : equalSets(m_topology, count);
  if (!sets.empty()) setSets(std::move(sets));
}

void CoreSetsEditor::apply() {
  if (m_apply->isEnabled()) m_workspace.devices.setCores(m_text->text());
}

void CoreSetsEditor::fillPresets() {
  m_menu->clear();
  const std::vector<NamedCoreSets> known = namedCoreSets(m_topology);
  const auto add = [&](const QString& text, const QString& meaning, const QString& sets, const QString& value) {
    QAction* action = m_menu->addAction(text, this, [this, value] { setDraft(value); });
    action->setToolTip(sets.isEmpty() ? meaning : tr("%1: %2").arg(meaning, sets));
    action->setObjectName(QStringLiteral("divide_") + value);
  };
  const auto hasName = [&](const char* name) {
    return std::any_of(known.begin(), known.end(), [&](const NamedCoreSets& each) { return each.name == name; });
  };
  bool siblings = false;
  for (const Processor& processor : m_topology.processors) siblings |= processor.available && processor.smtRank > 0;
  for (const NamedCoreSets& named : known) {
    if (named.name == "p" || named.name == "e" || named.sets.size() > kMaxSets) continue;
    const QString name = toQString(named.name);
    add(presetText(named), toQString(named.meaning), toQString(toText(named.sets)),
        name == QLatin1String("all") ? QString() : name);
  }
  if (hasName("p"))
    add(tr("P / &E cores"), tr("the performance cores and the efficiency cores"), {}, QStringLiteral("p;e"));
  if (siblings && hasName("halves")) {
    m_menu->addSeparator();
    add(tr("Halves, &one thread per core"), tr("SMT siblings stay idle"), {}, QStringLiteral("halves,nosmt"));
    add(tr("Whole, one &thread per core"), tr("SMT siblings stay idle"), {}, QStringLiteral("all,nosmt"));
  }
}

void CoreSetsEditor::showDraft() {
  const DeviceListModel& devices = m_workspace.devices;
  CpuMapModel model;
  for (std::size_t i = 0; i < m_sets.size(); ++i) {
    CpuMapOwner owner;
    owner.id = setName(i);
    const int number = devices.numberOf(owner.id);
    owner.number = number >= 0 ? number : static_cast<int>(i); // as it will be: native CPUs come first
    QStringList names{owner.id};
    for (const auto& device : devices.list().devices)
      if (device.kind != "cpu" && !isDirty() && device.cores == m_sets[i].toString()) names << toQString(device.id);
    owner.text = names.join(QStringLiteral(", "));
    model.owners.append(owner);
  }
  for (const Processor& each : m_topology.processors) {
    CpuMapProcessor processor;
    processor.index = each.osIndex;
    processor.core = each.core;
    processor.package = each.package;
    processor.numaNode = each.numaNode;
    processor.cache = each.l3;
    processor.kind = each.kind == CoreKind::Performance  ? CpuMapKind::Performance
                     : each.kind == CoreKind::Efficiency ? CpuMapKind::Efficiency
                                                         : CpuMapKind::Uniform;
    processor.available = each.available;
    for (std::size_t i = 0; i < m_sets.size(); ++i)
      if (m_sets[i].contains(CpuSet({each.osIndex}))) processor.owner = static_cast<int>(i);
    model.processors.append(processor);
  }
  m_map->setModel(model);
  {
    const QSignalBlocker quiet(m_count);
    m_count->setValue(static_cast<int>(m_sets.size()));
  }
  {
    const QSignalBlocker quiet(m_brush);
    const int before = std::max(0, m_brush->currentIndex());
    m_brush->clear();
    for (const CpuMapOwner& owner : model.owners)
      m_brush->addItem(deviceIcon(owner.number, owner.id, palette()), owner.id);
    m_brush->addItem(tr("No set"));
    m_brush->setCurrentIndex(std::min(before, m_brush->count() - 1));
    m_map->setBrush(m_brush->currentIndex() < static_cast<int>(m_sets.size()) ? m_brush->currentIndex() : -1);
  }
  fitMap();
  showStatus();
}

void CoreSetsEditor::showStatus() {
  const bool running = m_workspace.runs.isActive();
  const bool free = !running && !m_workspace.devices.isLoading();
  const bool dirty = isDirty();
  m_map->setReadOnly(!free);
  for (QWidget* widget : std::initializer_list<QWidget*>{m_text, m_count, m_brush, m_presets}) widget->setEnabled(free);
  m_apply->setEnabled(free && dirty && m_problem.isEmpty());
  m_revert->setVisible(free && dirty);
  QString text;
  bool problem = false;
  if (running) {
    text = tr("The run uses these core sets. They can be changed when it ends.");
  } else if (!m_problem.isEmpty()) {
    text = m_problem;
    problem = true;
  } else if (dirty && !m_topology.empty()) {
    text = tr("Not in use yet. Apply makes devices of these sets.");
  }
  for (std::size_t i = 0; text.isEmpty() && i < m_sets.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (const SharedCores shared = sharedCores(m_sets[k], m_sets[i], m_topology); !shared.empty())
        text = tr("%1 and %2 share %3 and slow each other.").arg(setName(k), setName(i), toQString(shared.text()));
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, problem ? Theme::of(colors).problem : Theme::of(colors).mutedText);
  m_status->setPalette(colors);
  m_status->setText(text);
  m_status->setToolTip(m_hint);
  m_status->setVisible(!text.isEmpty());
  if (!m_text->hasFocus()) m_text->setCursorPosition(0); // its beginning says most
}

/// As high as the map is, but no more than lets the devices be seen above it.
void CoreSetsEditor::fitMap() {
  if (m_topology.empty()) return;
  const int line = fontMetrics().height();
  const int most = std::clamp(parentWidget() ? parentWidget()->height() * 3 / 10 : 0, 5 * line, 14 * line);
  int width = m_scroll->width();
  int height = m_map->heightForWidth(width);
  if (height > most) {
    width -= m_scroll->verticalScrollBar()->sizeHint().width();
    height = m_map->heightForWidth(width);
  }
  m_map->resize(width, height);
  m_scroll->setFixedHeight(std::min(height, most));
}

bool CoreSetsEditor::eventFilter(QObject* watched, QEvent* event) {
  if (watched == parentWidget() && event->type() == QEvent::Resize) fitMap();
  return QWidget::eventFilter(watched, event);
}

void CoreSetsEditor::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fitMap();
}

void CoreSetsEditor::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
    QMetaObject::invokeMethod(this, &CoreSetsEditor::showDraft, Qt::QueuedConnection);
  QWidget::changeEvent(event);
}

} // namespace tandem::ui
