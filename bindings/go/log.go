package payseal

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// slogLevel maps the library's levels, 1 error to 4 debug.
func slogLevel(level int32) slog.Level {
	switch level {
	case 1:
		return slog.LevelError
	case 2:
		return slog.LevelWarn
	case 3:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// logRecord hands one JSON record of the library to logger: "event" becomes the message, "ts_ms" the time, "level" is known already, and
// every other key an attribute in the record's order.
func logRecord(logger *slog.Logger, level slog.Level, encoded []byte) {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if _, err := decoder.Token(); err != nil { // the opening brace
		return
	}
	record := slog.NewRecord(time.Now(), level, "payseal", 0)
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return
		}
		name, _ := key.(string)
		number, _ := value.(json.Number)
		switch name {
		case "level":
		case "event":
			record.Message, _ = value.(string)
		case "ts_ms":
			if ms, err := number.Int64(); err == nil {
				record.Time = time.UnixMilli(ms)
			}
		default:
			if whole, err := number.Int64(); err == nil {
				value = whole
			}
			record.AddAttrs(slog.Any(name, value))
		}
	}
	_ = logger.Handler().Handle(context.Background(), record)
}
