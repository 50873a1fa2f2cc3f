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

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/spelling"
	"golang.org/x/term"
)

// A display shows progress. On a terminal it redraws one line; elsewhere it writes a new line from time to time.
type display struct {
	out   io.Writer
	width func() int // columns of the terminal; nil if out is not a terminal
	quiet bool       // show no progress; warnings are shown

	mu      sync.Mutex
	stages  map[string]*stage
	current *stage // the last stage that is not done
	drawn   bool   // the cursor is on a line that will be drawn again
	stop    chan struct{}
	stopped chan struct{}
}

// A stage is one step of the work, with a count of samples, or of predictions for samples.
type stage struct {
	name        string
	started     time.Time
	printed     time.Time
	last        string
	done, total int64
	recent      []point // progress within the last rateSpan
	// ahead returns the finished samples, including samples that update has not reported yet; nil if they are not counted.
	ahead    func() int64
	complete bool
}

// A point is the progress of a stage at a time.
type point struct {
	at   time.Time
	done int64
}

const (
	// lineEvery is the pause between plain lines of one stage; drawEvery is the pause between two drawings of a line.
	lineEvery = 5 * time.Second
	drawEvery = 200 * time.Millisecond
	// rateSpan is the time span over which a rate is measured. Only recent work counts, because the remaining work is
	// most similar to recent work.
	rateSpan = 20 * time.Second
)

// newDisplay returns a display that writes to standard error, because standard output is for results. If quiet is set,
// the display shows only warnings.
func newDisplay(quiet bool) *display {
	d := &display{out: messagesTo(os.Stderr), stages: map[string]*stage{}, quiet: quiet}
	if fd := int(os.Stderr.Fd()); !quiet && term.IsTerminal(fd) {
		d.width = func() int {
			if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
		d.stop, d.stopped = make(chan struct{}), make(chan struct{})
		go d.redraw()
	}
	return d
}

// redraw draws the line of the current stage until the display is closed.
func (d *display) redraw() {
	defer close(d.stopped)
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case now := <-tick.C:
			d.mu.Lock()
			d.draw(now)
			d.mu.Unlock()
		}
	}
}

// draw draws the line of the current stage over the last line.
func (d *display) draw(now time.Time) {
	if d.width == nil || d.current == nil {
		return
	}
	line := d.current.line(now)
	if most := d.width() - 1; len(line) > most { // a line that reaches the edge would wrap
		line = line[:max(most, 0)]
	}
	fmt.Fprintf(d.out, "\r\x1b[K%s", line)
	d.drawn = true
}

// erase removes the line that is being redrawn.
func (d *display) erase() {
	if d.drawn {
		fmt.Fprint(d.out, "\r\x1b[K")
		d.drawn = false
	}
}

// count sets the function that returns the finished samples of a stage, including samples that update has not reported
// yet.
func (d *display) count(name string, ahead func() int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stage(name).ahead = ahead
}

func (d *display) stage(name string) *stage {
	st := d.stages[name]
	if st == nil {
		now := time.Now()
		st = &stage{name: name, started: now, printed: now}
		d.stages[name] = st
	}
	return st
}

// update shows that `done` of `total` samples of a stage are finished; a total of 0 means that the total is not known
// yet. The first call starts the clock of the stage.
func (d *display) update(name string, done, total int64) {
	if d.quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	st := d.stage(name)
	if st.complete {
		return
	}
	if len(st.recent) == 0 {
		st.started = now
	}
	st.done, st.total, st.complete = done, total, total > 0 && done >= total
	if line := st.line(now); st.complete || d.width == nil && line != st.last && now.Sub(st.printed) >= lineEvery {
		st.printed, st.last = now, line
		d.erase()
		fmt.Fprintln(d.out, line)
	}
	d.current = nil
	for _, other := range d.stages {
		if !other.complete && (d.current == nil || other.started.After(d.current.started)) {
			d.current = other
		}
	}
}

// line returns the stage's progress, its rate, and the remaining time.
func (s *stage) line(now time.Time) string {
	if s.complete {
		since := now.Sub(s.started)
		line := fmt.Sprintf("%-7s %s %s in %s", s.name, separated(s.total), s.noun(s.total), rounded(since))
		if seconds := since.Seconds(); seconds > 0.5 {
			line += fmt.Sprintf(", %s/s", separated(int64(float64(s.total)/seconds)))
		}
		return line
	}
	done := s.done
	if s.ahead != nil {
		done = max(done, min(s.ahead(), s.total))
	}
	s.recent = append(s.recent, point{now, done})
	for len(s.recent) > 2 && now.Sub(s.recent[1].at) > rateSpan {
		s.recent = s.recent[1:]
	}
	if s.total == 0 {
		return fmt.Sprintf("%-7s %s %s", s.name, separated(done), s.noun(done))
	}
	line := fmt.Sprintf("%-7s %s of %s %s, %d %%", s.name, separated(done), separated(s.total), s.noun(s.total),
		100*done/s.total)
	first := s.recent[0]
	seconds := now.Sub(first.at).Seconds()
	if rate := float64(done-first.done) / seconds; seconds > 0.5 && rate > 0 {
		left := time.Duration(float64(s.total-done) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s/s, %s left", separated(int64(rate)), rounded(left))
	}
	return line
}

// learnStage is the stage that predicts ratings of held-out samples, several times for each sample.
const learnStage = "learn"

// noun returns the noun for n of the things that the stage counts.
func (s *stage) noun(n int64) string {
	if s.name == learnStage {
		return spelling.Plural(n, "prediction")
	}
	return spelling.Plural(n, "sample")
}

// rounded returns a duration as text. Below ten seconds it is rounded to a tenth of a second, otherwise to a second.
func rounded(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// separated returns a number with commas between thousands.
func separated[N int | int64](n N) string { return humanize.Comma(int64(n)) }

// notes returns the writer for information that is not a warning.
func (d *display) notes() io.Writer {
	if d.quiet {
		return io.Discard
	}
	return plainText{d}
}

// Write shows a line of the log above the line that is being redrawn.
func (d *display) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	n, err := d.out.Write(p)
	d.draw(time.Now())
	return n, err
}

// close removes the line that is being redrawn.
func (d *display) close() {
	if d.stop == nil {
		return
	}
	close(d.stop)
	<-d.stopped
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	d.stop = nil
}

// userLog returns the log of a command that a user watches, until ctx ends.
func userLog(ctx context.Context, w io.Writer) *slog.Logger {
	return slog.New(untilDone{ctx, slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelWarn, ReplaceAttr: forUser,
	})})
}

// untilDone drops log lines once a context has ended. Then the user has interrupted the command, and deliveries fail
// only because of this.
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

// forUser removes the time from log lines, because the user sees each line when it is written. It writes reasons for
// users of commands.
func forUser(_ []string, a slog.Attr) slog.Attr {
	switch {
	case a.Key == slog.TimeKey:
		return slog.Attr{}
	case a.Key == "reason" && a.Value.Kind() == slog.KindString:
		a.Value = slog.StringValue(byCommand(a.Value.String()))
	}
	return a
}

// byCommand replaces the advice to start a dataset again. A user of a command does this by the same command.
func byCommand(text string) string {
	return strings.ReplaceAll(text, "start the dataset again", "repeat the command")
}
