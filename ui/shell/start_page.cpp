// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/start_page.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"

#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QStackedWidget>
#include <QStyleOptionButton>
#include <QStylePainter>
#include <QTextBrowser>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

// Icon and two lines of text at the left, more where the place is narrow. A style sheet could do that, but keeps the
// colours of the theme it began with.
class ChoiceButton : public QPushButton {
 public:
  ChoiceButton(const QIcon& sign, const QString& words, QWidget* parent) : QPushButton(sign, words, parent) {
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
  }
  [[nodiscard]] QSize sizeHint() const override {
    const QSize words = fontMetrics().size(0, text());
    return {words.width() + besideText(), heightOf(words.height())};
  }
  [[nodiscard]] QSize minimumSizeHint() const override { return {iconSize().width() * 4, sizeHint().height()}; }
  [[nodiscard]] bool hasHeightForWidth() const override { return true; }
  [[nodiscard]] int heightForWidth(int width) const override {
    const QRect place(0, 0, std::max(width - besideText(), 1), QWIDGETSIZE_MAX);
    return heightOf(fontMetrics().boundingRect(place, Qt::AlignLeft | Qt::TextWordWrap, text()).height());
  }

 protected:
  void paintEvent(QPaintEvent*) override {
    QStylePainter painter(this);
    QStyleOptionButton option;
    initStyleOption(&option);
    option.text.clear();
    option.icon = {};
    painter.drawControl(QStyle::CE_PushButton, option);
    const QRect inside = rect().adjusted(gap(), 0, -gap(), 0);
    QRect sign(QPoint(), iconSize());
    sign.moveCenter({inside.left() + iconSize().width() / 2, inside.center().y()});
    icon().paint(&painter, sign, Qt::AlignCenter, isEnabled() ? QIcon::Normal : QIcon::Disabled);
    painter.setPen(option.palette.color(QPalette::ButtonText));
    painter.drawText(inside.adjusted(iconSize().width() + gap(), 0, 0, 0),
                     Qt::AlignLeft | Qt::AlignVCenter | Qt::TextWordWrap, text());
  }

 private:
  [[nodiscard]] int gap() const { return fontMetrics().height() * 3 / 4; }
  [[nodiscard]] int besideText() const { return iconSize().width() + 3 * gap(); }
  [[nodiscard]] int heightOf(int words) const { return std::max(words, iconSize().height()) + 2 * gap(); }
};

} // namespace

StartPage::StartPage(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("start_page"));
  m_pages = new QStackedWidget(this);
  m_pages->addWidget(makeChoices());
  m_pages->addWidget(makeSamples());
  m_pages->addWidget(makeGuide());
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(m_pages);
  connect(&m_workspace.engine, &EngineBridge::workerReady, this, &StartPage::fillSamples);
}

QWidget* StartPage::makeChoices() {
  auto* page = new QWidget;
  const int em = fontMetrics().height();
  auto* column = new QWidget(page);
  column->setMaximumWidth(fontMetrics().averageCharWidth() * 90);
  auto* inner = new QVBoxLayout(column);
  inner->setSpacing(em * 3 / 4);
  auto* title = new QLabel(tr("Where should each layer run?"), column);
  QFont large = title->font();
  large.setPointSizeF(large.pointSizeF() * 1.7);
  large.setBold(true);
  title->setFont(large);
  title->setWordWrap(true);
  auto* text =
      new QLabel(tr("Open a neural network, put its layers on the CPU and on accelerators, run both at once, and "
                    "see what it costs."),
                 column);
  text->setWordWrap(true);
  inner->addWidget(title);
  inner->addWidget(text);
  inner->addSpacing(em / 2);
  const auto choice = [&](const QString& name, const QString& iconName, const QString& headline,
                          const QString& detail) {
    auto* button = new ChoiceButton(icon(iconName), headline + QLatin1Char('\n') + detail, column);
    button->setObjectName(name);
    button->setIconSize(QSize(em * 2, em * 2));
    button->setAccessibleName(headline);
    button->setAccessibleDescription(detail);
    inner->addWidget(button);
    return button;
  };
  auto* open = choice(QStringLiteral("start_open"), QStringLiteral("open"), tr("Open a model"),
                      tr("ONNX or Keras (.onnx, .h5, .keras); or drop it on this window"));
  auto* sample = choice(QStringLiteral("start_sample"), QStringLiteral("sample"), tr("Try a sample"),
                        tr("Built-in networks, nothing to download"));
  auto* learn = choice(QStringLiteral("start_learn"), QStringLiteral("learn"), tr("Learn"),
                       tr("A short guide: placement, replicas, latency and throughput"));
  connect(open, &QPushButton::clicked, this, &StartPage::openRequested);
  connect(sample, &QPushButton::clicked, this, &StartPage::showSamples);
  connect(learn, &QPushButton::clicked, this, &StartPage::showGuide);
  auto* row = new QHBoxLayout;
  row->addStretch();
  row->addWidget(column, 10);
  row->addStretch();
  auto* layout = new QVBoxLayout(page);
  layout->addStretch(2);
  layout->addLayout(row);
  layout->addStretch(3);
  return page;
}

QWidget* StartPage::makeSamples() {
  auto* page = new QWidget;
  auto* layout = new QVBoxLayout(page);
  auto* back = new QPushButton(icon(QStringLiteral("back")), tr("&Back"), page);
  back->setObjectName(QStringLiteral("samples_back"));
  auto* top = new QHBoxLayout;
  top->addWidget(back);
  top->addWidget(new QLabel(tr("Samples: real architectures with made-up (seeded) weights"), page), 1);
  layout->addLayout(top);
  m_samples = new QListWidget(page);
  m_samples->setObjectName(QStringLiteral("sample_list"));
  m_samples->setAccessibleName(tr("Samples"));
  m_samples->setSpacing(fontMetrics().height() / 5);
  m_samples->setWordWrap(true);
  layout->addWidget(m_samples);
  connect(back, &QPushButton::clicked, this, &StartPage::showChoices);
  connect(m_samples, &QListWidget::itemActivated, this, [this](const QListWidgetItem* item) {
    emit sampleRequested(QStringLiteral("sample:") + item->data(Qt::UserRole).toString());
  });
  connect(m_samples, &QListWidget::itemClicked, this, [this](const QListWidgetItem* item) {
    if (!style()->styleHint(QStyle::SH_ItemView_ActivateItemOnSingleClick))
      emit sampleRequested(QStringLiteral("sample:") + item->data(Qt::UserRole).toString());
  });
  return page;
}

QWidget* StartPage::makeGuide() {
  auto* page = new QWidget;
  auto* layout = new QVBoxLayout(page);
  auto* back = new QPushButton(icon(QStringLiteral("back")), tr("&Back"), page);
  back->setObjectName(QStringLiteral("guide_back"));
  auto* top = new QHBoxLayout;
  top->addWidget(back);
  top->addStretch();
  layout->addLayout(top);
  auto* text = new QTextBrowser(page);
  text->setObjectName(QStringLiteral("guide_text"));
  text->setAccessibleName(tr("Guide"));
  text->setFrameShape(QFrame::NoFrame);
  text->document()->setDocumentMargin(fontMetrics().height());
  text->setHtml(helpText(QStringLiteral("guide")));
  layout->addWidget(text);
  connect(back, &QPushButton::clicked, this, &StartPage::showChoices);
  return page;
}

void StartPage::fillSamples() {
  if (m_samples->count() > 0) return;
  m_workspace.engine.models([this](const Result<std::vector<session::SampleSummary>>& samples) {
    m_samples->clear();
    if (!samples.ok()) return;
    for (const auto& sample : *samples) {
      auto* item =
          new QListWidgetItem(icon(QStringLiteral("sample")),
                              toQString(sample.title) + QLatin1Char('\n') + toQString(sample.description), m_samples);
      item->setData(Qt::UserRole, toQString(sample.name));
    }
  });
}

void StartPage::showChoices() { m_pages->setCurrentIndex(0); }
void StartPage::showSamples() {
  m_pages->setCurrentIndex(1);
  if (m_samples->count() > 0 && m_samples->currentRow() < 0) m_samples->setCurrentRow(0);
  m_samples->setFocus();
}
void StartPage::showGuide() { m_pages->setCurrentIndex(2); }

} // namespace tandem::ui
