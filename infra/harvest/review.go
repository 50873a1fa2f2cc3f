package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// A reviewCommand has the flags of review.
type reviewCommand struct {
	request  review.Request
	reviewer string
	file     string
	judge    scorerFlags
	report   bool
	asJSON   bool
	state    string
}

func newReview() *cobra.Command {
	var c reviewCommand
	cmd := &cobra.Command{
		Use:   "review RUN A | review --report FILE...",
		Short: "Compare a selection blindly, pair by pair, with unselected samples or with another selection",
		Long: `Shows pairs of samples with the same style that can be picked for the same capability. One sample of a pair
is in the selection. The other sample is not selected, or is in the selection of --against. You see neither which sample
is which, nor their ratings. Choose the sample that is better to train on. Each choice is a line of a file, and the
same command continues with the open pairs. --report sums up such files: win rate with its interval, and the agreement
of several reviewers.`,
		Example: `  harvest review demo latest --reviewer anna --file anna.jsonl
  harvest review demo latest --pairs 100 --judge llm:https://api.openai.com/v1 --model gpt-4o --file gpt-4o.jsonl
  harvest review --report anna.jsonl gpt-4o.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case c.report && len(args) == 0:
				return usageError{errors.New("--report: name the files of choices, one for each reviewer")}
			case !c.report && len(args) != 2:
				return usageError{fmt.Errorf("name a run and one of its selections, such as latest; `%s --help` says more",
					cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.report {
				return c.printReport(cmd.OutOrStdout(), args)
			}
			return c.run(cmd, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&c.request.Against, "against", "", "another selection of the run (default: the samples that are not "+
		"in A)")
	fl.IntVar(&c.request.Pairs, "pairs", review.DefaultPairs, "number of pairs")
	fl.Uint64Var(&c.request.Seed, "seed", 0, "random seed of the pairs, and of the side on which each sample is shown")
	fl.StringVar(&c.reviewer, "reviewer", "", "name of the reviewer (default: $USER; with --judge the model)")
	fl.StringVar(&c.file, "file", "", "file of the choices (default: reviews/<run>.<selection>-<reviewer>.jsonl)")
	fl.StringVar(&c.judge.scorer, "judge", "", "let a model choose: llm:URL of an OpenAI-compatible API; the model "+
		"gets each pair in both orders, and different answers count as a tie")
	fl.StringVar(&c.judge.model, "model", "", "with --judge: the model (its key is read from LLM_API_KEY)")
	fl.BoolVar(&c.report, "report", false, "sum up the files of choices in the arguments")
	fl.BoolVar(&c.asJSON, "json", false, "print the report as JSON")
	stateFlag(cmd, &c.state)
	return cmd
}

// A reviewSession is a review in progress.
type reviewSession struct {
	request  review.Request
	reviewer string
	plan     *run.Plan
	subsets  *subset.Reader
	pairs    []review.Pair
	file     *review.File
	lock     *os.File // prevents another review from adding to the file; closed at the end of the command
	images   string   // folder that image names are relative to; empty if it is not known
}

// begin finds the run and the selections, draws the pairs and opens the file.
func (c *reviewCommand) begin(ctx context.Context, args []string) (*reviewSession, error) {
	state, work, err := openExisting(c.state)
	if err != nil {
		return nil, err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return nil, err
	}
	plan, sel, err := findCompleted(ctx, runs, subsets, c.state, args[0], args[1])
	if err != nil {
		return nil, err
	}
	r := &reviewSession{request: c.request, plan: plan, subsets: subsets}
	r.request.Run, r.request.A = plan.Run, sel.ID
	if c.request.Against != "" {
		if r.request.Against, err = findSelection(ctx, subsets, c.state, plan.Run, c.request.Against); err != nil {
			return nil, err
		}
	}
	drawn, err := review.NewPairs(runs, subsets)
	if err != nil {
		return nil, err
	}
	r.pairs, err = drawn.Of(ctx, r.request)
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		return nil, usageError{byFlags(refused)}
	} else if err != nil {
		return nil, err
	}
	if in, err := loadInput(state, plan.Run); err == nil {
		r.images = in.Images
	}
	r.reviewer = plainName(cmp.Or(c.reviewer, c.judge.model, os.Getenv("USER")), "reviewer")
	if err := review.CheckReviewer(r.reviewer); err != nil {
		return nil, usageError{fmt.Errorf("--%w", err)}
	}
	if c.file == "" {
		of := strings.TrimSuffix(strings.Join([]string{plan.Run, r.request.A, r.request.Against}, "."), ".")
		c.file = filepath.Join("reviews", of+"-"+r.reviewer+".jsonl")
	}
	if err := makeOut(filepath.Dir(c.file)); err != nil {
		return nil, err
	}
	if r.lock, err = lockReview(c.file); err != nil {
		return nil, err
	}
	if r.file, err = review.OpenFile(c.file, r.request, r.reviewer); err != nil {
		return nil, usageError{fmt.Errorf("--file: %w", err)}
	}
	return r, nil
}

// lockReview locks a file of choices until it is closed, because two concurrent commands would add the same choices
// twice. On a disk without locks it does nothing.
func lockReview(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usageError{fmt.Errorf("--file: %w", err)}
	}
	if errors.Is(bucket.LockFile(file), bucket.ErrLocked) {
		return nil, usageError{errors.Join(fmt.Errorf("--file %s: another review is adding to it; end that one, or give "+
			"another file", name), file.Close())}
	}
	return file, nil
}

func (c *reviewCommand) run(cmd *cobra.Command, args []string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	r, err := c.begin(ctx, args)
	if err != nil {
		return err
	}
	defer r.lock.Close()
	choose := r.askAt(bufio.NewReader(cmd.InOrStdin()), cmd.ErrOrStderr())
	if c.judge.scorer != "" {
		judge, err := c.newJudge(ctx, r, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		defer judge.Close()
		choose = judge.choose
	}
	if len(r.pairs) < r.request.Pairs {
		fmt.Fprintf(cmd.ErrOrStderr(), "harvest: --pairs is %d, but there are only %s\n",
			r.request.Pairs, number(len(r.pairs), "pair"))
	}
	err = r.each(ctx, choose)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if r.file.Count() < len(r.pairs) {
		text := fmt.Sprintf("choices in %s: %d of %s; the same command continues with the others",
			c.file, r.file.Count(), number(len(r.pairs), "pair"))
		_, err := fmt.Fprintln(out, folded(text, ""))
		return err
	}
	return c.printReport(out, []string{c.file})
}

// errEnough is the error of a reviewer who stops.
var errEnough = errors.New("the reviewer stops")

// errNoChoice is the error of a pair that cannot be judged. The review continues with the next pair.
var errNoChoice = errors.New("it cannot be judged")

// each calls choose for each pair that has no choice yet, and adds the choice to the file.
func (r *reviewSession) each(
	ctx context.Context, choose func(context.Context, review.Pair, [2]*dataset.Sample) (review.Choice, error),
) error {
	for _, pair := range r.pairs {
		if r.file.Has(pair.Number) {
			continue
		}
		samples := map[int64]*dataset.Sample{}
		err := r.subsets.EachSample(ctx, r.plan, []int64{pair.Left, pair.Right}, func(i int64, s *dataset.Sample) error {
			samples[i] = s
			return nil
		})
		if err != nil {
			return err
		}
		both := [2]*dataset.Sample{samples[pair.Left], samples[pair.Right]}
		choice, err := choose(ctx, pair, both)
		if errors.Is(err, errNoChoice) {
			continue
		} else if err != nil {
			return err
		}
		if err := r.file.Add(review.Verdict{
			Request: r.request, Pair: pair, LeftID: both[0].ID, RightID: both[1].ID, Choice: choice,
			Reviewer: r.reviewer, At: time.Now().UTC(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// askAt returns a function that asks a person at a terminal for a choice.
func (r *reviewSession) askAt(
	typed *bufio.Reader, show io.Writer,
) func(context.Context, review.Pair, [2]*dataset.Sample) (review.Choice, error) {
	return func(ctx context.Context, pair review.Pair, samples [2]*dataset.Sample) (review.Choice, error) {
		for i, side := range []review.Choice{review.Left, review.Right} {
			fmt.Fprintf(show, "\n%s\n", strings.ToUpper(string(side)))
			r.print(show, samples[i])
		}
		question := "Which sample is better to train on"
		if pair.Capability != "" {
			question += " for " + spelling.Shown(pair.Capability)
		}
		for ctx.Err() == nil {
			fmt.Fprintf(show, "\n%s\nleft, right, tie, or quit [l/r/t/q]: ",
				folded(fmt.Sprintf("pair %d of %d. %s?", pair.Number, len(r.pairs), question), ""))
			line, err := typed.ReadString('\n')
			word := strings.ToLower(strings.TrimSpace(line))
			if word == "q" || word == "quit" || err != nil && word == "" {
				return "", errEnough
			}
			choice, err := review.ParseChoice(word)
			if err == nil {
				return choice, nil
			}
			fmt.Fprintln(show, err)
		}
		return "", ctx.Err()
	}
}

// print prints a sample as text, with the paths of its images.
func (r *reviewSession) print(w io.Writer, s *dataset.Sample) {
	for i, image := range s.Images {
		name := cmp.Or(image.Name, image.Path, "in the record")
		if image.Name != "" && r.images != "" && !filepath.IsAbs(name) {
			name = filepath.Join(r.images, filepath.FromSlash(name))
		}
		fmt.Fprintf(w, "    image %d: %s\n", i+1, spelling.Shown(name))
	}
	for _, turn := range s.Turns {
		text := ""
		for _, segment := range turn.Segments {
			if segment.Image > 0 {
				text += fmt.Sprintf("[image %d]", segment.Image)
			}
			text += segment.Text
		}
		fmt.Fprintln(w, folded(fmt.Sprintf("%s: %s", turn.Role, text), "    "))
	}
}

// noChoices returns the error of a file without choices.
func noChoices(file string) error {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s: there is no such file", file)
	}
	return fmt.Errorf("%s: the file has no choices; name a file that this command has written", file)
}

// printReport prints a summary of the choices in files.
func (c *reviewCommand) printReport(w io.Writer, files []string) error {
	var all []review.Verdict
	for _, file := range files {
		verdicts, err := review.ReadVerdicts(file)
		if err == nil && len(verdicts) == 0 {
			err = noChoices(file)
		}
		if err == nil && len(all) > 0 && verdicts[0].Request != all[0].Request {
			err = fmt.Errorf("%s: its pairs differ from the pairs in %s; name files of one review", file, files[0])
		}
		if err != nil {
			return usageError{fmt.Errorf("--report: %w", err)}
		}
		all = append(all, verdicts...)
	}
	report := review.Summarize(all)
	if c.asJSON {
		return api.EncodeJSON(w, report)
	}
	other := "the other"
	if report.Request.Against != "" {
		other = "B"
	}
	t := newTable("", "pairs", "A is better", other+" is better", "tie", "win rate of A (95 %)")
	row := func(name string, n review.Count) {
		t.AppendRow(table.Row{spelling.Shown(name), n.Judged, n.A, n.Other, n.Ties,
			fmt.Sprintf("%.2f (%.2f to %.2f)", n.WinRate, n.Low, n.High)})
	}
	row("all", report.All)
	for _, of := range report.Capabilities {
		row(of.Capability, of.Count)
	}
	if len(report.Reviewers) > 1 {
		for _, of := range report.Reviewers {
			row(of.Reviewer, of.Count)
		}
	}
	if _, err := fmt.Fprintf(w, "%s\na tie counts as half a win; if an interval contains 0.5, no difference was found\n",
		t.Render()); err != nil {
		return err
	}
	for _, a := range report.Agreements {
		kappa := "not defined, because both reviewers always chose the same"
		if a.Kappa != nil {
			kappa = fmt.Sprintf("%.2f", *a.Kappa)
		}
		text := fmt.Sprintf("%s and %s agree on %d of %s; Cohen's kappa: %s",
			spelling.Shown(a.First), spelling.Shown(a.Second), a.Equal, number(a.Pairs, "pair"), kappa)
		if _, err := fmt.Fprintln(w, folded(text, "")); err != nil {
			return err
		}
	}
	return nil
}
