package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// A display shows what is being done: a bar for each stage on a terminal, plain lines elsewhere.
type display struct {
	out   io.Writer
	bars  progress.Writer // nil where lines are printed
	quiet bool            // show no progress; warnings are shown

	mu     sync.Mutex
	stages map[string]*stage
}

// A stage is one step of the work that counts something.
type stage struct {
	started time.Time
	tracker *progress.Tracker
	printed time.Time
	last    string
	done    bool
}

// lineEvery is the pause between plain lines of one stage.
const lineEvery = 5 * time.Second

// newDisplay shows on standard error, so that standard output is for results. If quiet it shows warnings alone.
func newDisplay(quiet bool) *display {
	d := &display{out: os.Stderr, stages: map[string]*stage{}, quiet: quiet}
	if quiet || !term.IsTerminal(int(os.Stderr.Fd())) {
		return d
	}
	d.bars = progress.NewWriter()
	d.bars.SetOutputWriter(os.Stderr)
	d.bars.SetUpdateFrequency(100 * time.Millisecond)
	d.bars.SetTrackerLength(30)
	d.bars.SetMessageLength(8)
	style := progress.StyleBlocks
	style.Visibility = progress.StyleVisibility{
		ETA: true, Percentage: true, Speed: true, Time: true, Tracker: true, Value: true,
	}
	d.bars.SetStyle(style)
	go d.bars.Render()
	return d
}

// update shows that done of total are done at a stage; a total of 0 is one that is not known yet. The first call starts
// its clock.
func (d *display) update(name string, done, total int64) {
	if d.quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	st := d.stages[name]
	if st == nil {
		st = &stage{started: now, printed: now}
		d.stages[name] = st
		if d.bars != nil {
			st.tracker = &progress.Tracker{Message: name, Total: total, AutoStopDisabled: true}
			d.bars.AppendTracker(st.tracker)
		}
	}
	if st.done {
		return
	}
	st.done = total > 0 && done >= total
	if st.tracker != nil {
		st.tracker.UpdateTotal(total)
		st.tracker.SetValue(done)
		if st.done {
			st.tracker.MarkAsDone()
		}
		return
	}
	line := plainLine(name, done, total, now.Sub(st.started))
	if line != st.last && (st.done || now.Sub(st.printed) >= lineEvery) {
		st.printed, st.last = now, line
		fmt.Fprintln(d.out, line)
	}
}

func plainLine(name string, done, total int64, since time.Duration) string {
	line := fmt.Sprintf("%-7s %d/%d samples", name, done, total)
	seconds := since.Seconds()
	if done > 0 && seconds > 0.5 {
		rate := float64(done) / seconds
		line += fmt.Sprintf(", %.0f/s", rate)
		if done < total {
			line += ", " + (time.Duration(float64(total-done)/rate) * time.Second).String() + " left"
		}
	}
	return line
}

// notes is where lines go that inform and do not warn.
func (d *display) notes() io.Writer {
	if d.quiet {
		return io.Discard
	}
	return d
}

// Write shows a line of the log without disturbing the bars.
func (d *display) Write(p []byte) (int, error) {
	if d.bars != nil {
		d.bars.Log("%s", strings.TrimRight(string(p), "\n"))
		return len(p), nil
	}
	return d.out.Write(p)
}

// close leaves the bars as they are.
func (d *display) close() {
	if d.bars == nil {
		return
	}
	time.Sleep(200 * time.Millisecond) // the last state is drawn at the next tick
	d.bars.Stop()
	for d.bars.IsRenderInProgress() {
		time.Sleep(10 * time.Millisecond)
	}
}

// userLog is the log of a command that a user watches, until ctx ends.
func userLog(ctx context.Context, w io.Writer) *slog.Logger {
	return slog.New(untilDone{ctx, slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelWarn, ReplaceAttr: withoutTime,
	})})
}

// untilDone drops what is logged once a context has ended: the user has interrupted the command, and deliveries fail by
// that alone.
type untilDone struct {
	ctx context.Context
	slog.Handler
}

// Enabled implements slog.Handler.
func (h untilDone) Enabled(ctx context.Context, level slog.Level) bool {
	return h.ctx.Err() == nil && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h untilDone) WithAttrs(attrs []slog.Attr) slog.Handler {
	return untilDone{h.ctx, h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h untilDone) WithGroup(name string) slog.Handler {
	return untilDone{h.ctx, h.Handler.WithGroup(name)}
}

// withoutTime keeps lines short: the user sees when they come.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
