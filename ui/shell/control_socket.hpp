// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QJsonObject>
#include <QList>
#include <QLocalServer>
#include <QObject>
#include <QPointer>
#include <QTimer>

class QLocalSocket;

namespace tandem::ui {

class MainWindow;

/// Lets end-to-end tests see what the window shows, and wait for it, instead of sleeping. One command per line, one
/// line of JSON per answer with "ok". It observes only; `select` is the one exception.
///
///   ready | state | nodepos NAME | widgetpos OBJECTNAME | select NAME... | screenshot FILE | chart NAME
///   wait idle|document|effective|worker|running|run-done|error|prediction|compared|measured
///
/// Names with spaces are allowed where one name is expected; `select` separates names by tabs or spaces.
class ControlSocket : public QObject {
  Q_OBJECT
 public:
  explicit ControlSocket(MainWindow& window, QObject* parent = nullptr);
  /// False when the name cannot be listened on.
  [[nodiscard]] bool listen(const QString& name);
  /// The answer to one command except `wait`; public for tests.
  [[nodiscard]] QJsonObject answer(const QString& command, const QString& argument);
  [[nodiscard]] bool isReached(const QString& condition) const;

 private:
  struct Waiting {
    QPointer<QLocalSocket> socket;
    QString condition;
  };
  void read(QLocalSocket* socket);
  void handle(QLocalSocket* socket, const QString& line);
  void checkWaiting();
  [[nodiscard]] QJsonObject state() const;
  [[nodiscard]] QJsonObject nodePosition(const QString& name) const;
  [[nodiscard]] QJsonObject widgetPosition(const QString& name) const;
  [[nodiscard]] int findNode(const QString& name) const;

  MainWindow& m_window;
  QLocalServer m_server;
  QTimer m_timer;
  QList<Waiting> m_waiting;
};

} // namespace tandem::ui
