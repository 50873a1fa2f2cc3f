package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
)

// publishMissing publishes a message for whatever of a run is not done, and advances it where all is done.
func (s *Store) publishMissing(ctx context.Context, plan *Plan) error {
	if working, err := s.working(ctx, plan.Run); working == nil || err != nil || plan.Problem != "" {
		return err
	}
	done, err := s.numbers(ctx, scoresPrefix(plan.Run), ".parquet")
	if err != nil {
		return err
	}
	cut, err := s.numbers(ctx, rangesPrefix(plan.Run), ".json")
	if err != nil {
		return err
	}
	var missing []events.Message
	for r := range plan.Ranges {
		switch {
		case done[r]:
		case cut[r]:
			if err := s.publishUnscored(ctx, plan, r); err != nil {
				return err
			}
			if err := s.Advance(ctx, plan, r, "resume"); err != nil {
				return err
			}
		default:
			missing = append(missing, events.RangeTask{Run: plan.Run, Range: r}.Message())
		}
	}
	if len(missing) > 0 {
		return s.Tasks.Publish(ctx, missing...)
	}
	return s.Advance(ctx, plan, len(plan.Ranges)-1, "resume")
}

// publishUnscored publishes a message for each shard of a range without scores.
func (s *Store) publishUnscored(ctx context.Context, plan *Plan, r int) error {
	if done, err := s.exists(ctx, rangeScoresName(plan.Run, r)); done || err != nil {
		return err
	}
	report, err := s.rangeReport(ctx, plan.Run, r)
	if err != nil {
		return err
	}
	scored, err := s.scoredShards(ctx, plan.Run, r)
	if err != nil {
		return err
	}
	var messages []events.Message
	for shard := range report.Shards {
		if !scored[shard] {
			messages = append(messages, events.ShardTask{Run: plan.Run, Range: r, Shard: shard}.Message(plan.Scorer))
		}
	}
	return s.Tasks.Publish(ctx, messages...)
}

// numbers are those that objects directly below prefix have in their names, before suffix.
func (s *Store) numbers(ctx context.Context, prefix, suffix string) (map[int]bool, error) {
	found := map[int]bool{}
	for attrs, err := range s.Work.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", prefix, err)
		}
		number, ok := strings.CutSuffix(attrs.Name[len(prefix):], suffix)
		if n, err := strconv.Atoi(number); ok && err == nil {
			found[n] = true
		}
	}
	return found, nil
}

// Resume sets a run going again: it begins a new wave of attempts for what was given up, publishes
// what is missing, and advances the run. With giveUp, shards that were given up have their
// samples recorded as failed instead.
func (s *Store) Resume(ctx context.Context, run string, giveUp bool) error {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return err
	}
	if err := s.open(ctx, plan); err != nil {
		return err
	}
	dead, wave, err := s.dead(ctx, run)
	if err != nil {
		return err
	}
	var lost error
	if giveUp {
		for _, d := range dead {
			if d.Shard < 0 {
				lost = fmt.Errorf("range %d of run %s cannot be given up: its manifest could not be read; make it readable and resume without giving up", d.Range, run)
			} else if err := s.giveUp(ctx, plan, d); err != nil {
				return err
			}
		}
	} else if len(dead) > 0 {
		if _, err := s.createJSON(ctx, resumeName(run, wave), map[string]int{"dead": len(dead)}); err != nil {
			return err
		}
	}
	if lost != nil {
		return lost
	}
	return s.publishMissing(ctx, plan)
}

// open tells why nothing more can be done for a run: it was refused, or cancelled.
func (s *Store) open(ctx context.Context, plan *Plan) error {
	if plan.Problem != "" {
		return &RefusedError{Reason: plan.Problem}
	}
	if cancelled, err := s.exists(ctx, cancelledName(plan.Run)); err != nil {
		return err
	} else if cancelled {
		return &RefusedError{Reason: fmt.Sprintf("run %s was cancelled, which is final; change its dataset or options for another run", plan.Run)}
	}
	return nil
}

// A Dead record says what was given up after all attempts, and why.
type Dead struct {
	Range int `json:"range"`
	// Shard is -1 where the range itself could not be cut.
	Shard    int    `json:"shard"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"`
}

// Bury records a message that was given up after all its attempts. The run shows as stalled until it is resumed.
func (s *Store) Bury(ctx context.Context, run string, d Dead) error {
	plan, err := s.working(ctx, run)
	if plan == nil || err != nil {
		return err
	}
	if err := s.checkDead(ctx, plan, d); err != nil {
		return err
	}
	_, wave, err := s.dead(ctx, run)
	if err != nil {
		return err
	}
	name := deadName(run, d.Range, d.Shard, wave)
	if d.Shard < 0 {
		name = deadRangeName(run, d.Range, wave)
	}
	_, err = s.createJSON(ctx, name, d)
	return err
}

// checkDead makes sure that what is recorded as given up is part of the run: else the run would stay stalled for ever.
func (s *Store) checkDead(ctx context.Context, plan *Plan, d Dead) error {
	if d.Range < 0 || d.Range >= len(plan.Ranges) {
		return events.DataError(fmt.Errorf("run %s has no range %d", plan.Run, d.Range))
	}
	if d.Shard < 0 {
		return nil
	}
	report, err := s.rangeReport(ctx, plan.Run, d.Range)
	if errors.Is(err, bucket.ErrNotExist) || (err == nil && d.Shard >= len(report.Shards)) {
		return events.DataError(fmt.Errorf("range %d of run %s has no shard %d", d.Range, plan.Run, d.Shard))
	}
	return err
}

// dead finds what was given up in the present wave of attempts and is still not done, and that wave's number.
func (s *Store) dead(ctx context.Context, run string) ([]Dead, int, error) {
	waves, err := s.numbers(ctx, resumesPrefix(run), "")
	if err != nil {
		return nil, 0, err
	}
	wave := len(waves)
	suffix := fmt.Sprintf(".%d.json", wave)
	var dead []Dead
	for attrs, err := range s.Work.List(ctx, deadPrefix(run), "") {
		if err != nil {
			return nil, 0, fmt.Errorf("listing dead shards of run %s: %w", run, err)
		}
		if !strings.HasSuffix(attrs.Name, suffix) {
			continue
		}
		var d Dead
		if err := s.readJSON(ctx, attrs.Name, &d); err != nil {
			return nil, 0, err
		}
		marker := shardScoresName(run, d.Range, d.Shard)
		if d.Shard < 0 {
			marker = rangeName(run, d.Range)
		}
		if done, err := s.exists(ctx, marker); err != nil {
			return nil, 0, err
		} else if !done {
			dead = append(dead, d)
		}
	}
	return dead, wave, nil
}

// GivenUp is the kind of reason of samples that were given up with their shard.
const GivenUp = "given up"

// giveUp writes the scores of a dead shard, with all its samples failed.
func (s *Store) giveUp(ctx context.Context, plan *Plan, d Dead) error {
	_, records, err := s.openShard(ctx, plan, events.ShardTask{Run: plan.Run, Range: d.Range, Shard: d.Shard})
	if err != nil {
		return err
	}
	for i := range records {
		if records[i].Status == scores.OK {
			records[i].Status, records[i].Reason = scores.Failed, fmt.Sprintf("%s: after %d attempts: %s", GivenUp, d.Attempts, d.Reason)
		}
	}
	_, err = s.create(ctx, shardScoresName(plan.Run, d.Range, d.Shard), func(w io.Writer) error {
		return scores.Write(w, plan.Rubric.Capabilities, records)
	})
	return err
}
