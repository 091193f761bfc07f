"""The style sheet: quiet controls on a 4 px rhythm, 6 px corners, a focus ring that shows."""

from dataclasses import asdict
from string import Template

from app.style.icons import icon_path
from app.style.theme import Theme

# Properties that widgets set to be dressed: primary, quiet, muted, heading, problem.
_SHEET = Template("""
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QMessageBox { dialogbuttonbox-buttons-have-icons: 0; }
QMainWindow::separator { background: transparent; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: $line; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $line; }
QSplitter::handle:horizontal { width: 4px; }
QSplitter::handle:vertical { height: 4px; }

QDockWidget { color: $muted; font-weight: 600; titlebar-close-icon: url("$dock_close");
  titlebar-normal-icon: url("$dock_float"); }
QDockWidget::close-button, QDockWidget::float-button { border: none; border-radius: 4px; background: transparent;
  icon-size: 16px; padding: 0; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $line; }
QDockWidget::title { background: transparent; text-align: left; padding: 4px 8px; }
QToolBar { background: $paper; border: none; spacing: 4px; padding: 4px 8px; }
QToolBar::separator { background: $line; width: 1px; margin: 6px 4px; }
QStatusBar { background: $paper; color: $ink; border: none; }
QStatusBar::item { border: none; }
QMenuBar { background: $paper; color: $ink; padding: 2px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 6px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $panel; color: $ink; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $muted; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::icon { padding-left: 8px; }
QToolTip { background: $panel; color: $ink; border: 1px solid $line; padding: 5px 7px; }

QPushButton { background: $panel; color: $ink; border: 1px solid $line; border-radius: 6px; padding: 4px 12px;
  min-height: 18px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $line; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $muted; background: $paper; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
  min-height: 24px; }
QPushButton[primary="true"]:hover { background: $accent_hover; }
QPushButton[primary="true"]:focus { border: 2px solid $ink; padding: 3px 11px; }
QPushButton[primary="true"]:disabled { background: $line; border-color: $line; color: $muted; }
QPushButton[quiet="true"] { background: transparent; border-color: transparent; padding: 4px 8px; }
QPushButton[quiet="true"]:hover { background: $hover; }
QPushButton[quiet="true"]:focus { border-color: $accent; }
QToolButton { background: transparent; color: $ink; border: 1px solid transparent; border-radius: 6px; padding: 3px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $line; }
QToolButton:checked { background: $hover; border-color: $line; }
QToolButton:focus { border: 1px solid $accent; }
QToolButton:disabled { color: $muted; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit { background: $panel; color: $ink; border: 1px solid $line;
  border-radius: 6px; padding: 1px 6px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:hover, QAbstractSpinBox:hover { border-color: $muted; }
QLineEdit:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus, QTextEdit:focus { border: 1px solid $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled { color: $muted; background: $paper; }
QLineEdit[problem="true"], QPlainTextEdit[problem="true"] { border: 1px solid $error; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }
QComboBox { background: $panel; color: $ink; border: 1px solid $line; border-radius: 6px; padding: 2px 6px 2px 8px; }
QComboBox:hover { border-color: $muted; }
QComboBox:focus, QComboBox:on { border: 1px solid $accent; }
QComboBox:disabled { color: $muted; background: $paper; }
QComboBox[problem="true"] { border: 1px solid $error; }
QComboBox QLineEdit, QComboBox QLineEdit:hover, QComboBox QLineEdit:focus { background: transparent; border: none;
  padding: 0; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$chevron"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $panel; color: $ink; border: 1px solid $line; padding: 4px; outline: 0;
  selection-background-color: $accent; selection-color: $on_accent; }

QCheckBox, QRadioButton { color: $ink; spacing: 6px; padding: 1px; border: 1px solid transparent; border-radius: 4px; }
QCheckBox:focus, QRadioButton:focus { border-color: $accent; }
QCheckBox:disabled { color: $muted; }
QCheckBox::indicator, QTableView::indicator { width: 14px; height: 14px; border: 1px solid $muted;
  border-radius: 4px; background: $panel; }
QCheckBox::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked, QTableView::indicator:checked { background: $accent; border-color: $accent;
  image: url("$check"); }
QCheckBox::indicator:disabled { border-color: $line; background: $paper; }
QCheckBox::indicator:checked:disabled { background: $line; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $line; margin: 0 7px; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; margin: 0 7px; }
QSlider::sub-page:horizontal:disabled { background: $line; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px -7px; border-radius: 7px; background: $panel;
  border: 1px solid $muted; }
QSlider::handle:horizontal:hover { border: 1px solid $accent; background: $hover; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; width: 10px; height: 10px; }
QSlider::handle:horizontal:disabled { border-color: $line; background: $paper; }

QProgressBar { background: $line; border: none; border-radius: 2px; max-height: 4px; text-align: right; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QProgressDialog QProgressBar { min-height: 18px; max-height: 18px; border-radius: 4px; text-align: center; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; padding: 4px 10px; border: none;
  border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $ink; border-bottom-color: $accent; }
QTabBar::tab:hover { color: $ink; }
QTabWidget::pane { border: none; }
QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 8px; margin: 0; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QTableView, QTreeView, QListView { background: $paper; alternate-background-color: $hover; color: $ink; border: none;
  gridline-color: transparent; selection-background-color: $hover; selection-color: $ink; outline: 0; }
QTableView:focus, QTreeView:focus, QListView:focus { border: 1px solid $accent; border-radius: 6px; }
QHeaderView { background: $paper; }
QHeaderView::section { background: $paper; color: $muted; border: none; border-bottom: 1px solid $line;
  padding: 3px 6px; }
QTableCornerButton::section { background: $paper; border: none; }

QLabel[muted="true"] { color: $muted; }
QLabel[problem="true"] { color: $error; }
QLabel[heading="true"] { color: $ink; font-weight: 600; }
QFrame[notice="info"] { background: $hover; border: 1px solid $line; border-radius: 6px; }
QFrame[overlay="true"] { background: $panel; border: 1px solid $line; border-radius: 8px; }
QFrame[overlay="true"] QToolBar { background: transparent; }
QFrame[notice="error"] { background: $panel; border: 1px solid $error; border-radius: 6px; }
""")


def stylesheet(theme: Theme) -> str:
    """Return Qt's style sheet in the colours of `theme`."""
    colors = {key: value for key, value in asdict(theme).items() if isinstance(value, str)}
    icons = {name.replace("-", "_"): icon_path(name) for name in ("chevron", "check", "dock-close", "dock-float")}
    return _SHEET.substitute(colors, **icons)
