package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// selectionFlags are the flags that describe a selection.
type selectionFlags struct {
	budgets      budgetList
	capabilities []string
	weights      pairsFlag[float64]
	threshold    int
	thresholds   pairsFlag[int]
	withinBin    string
	ratingsOnly  bool
	strategy     string
	seed         uint64
	styles       selection.Filter
	sources      selection.Filter
	unique       bool
	include      string
	exclude      string
	minimums     pairsFlag[int]
	caps         struct{ source, style, image, cluster, template string }
	modalities   pairsFlag[selection.Cap]
	scoresFrom   string
	mix          string
	where        []string
	by, tieBreak string
	// excludeNear are evaluation sets. excludeImages leaves out every sample that has an image of an evaluation set.
	excludeNear   []string
	excludeImages bool
	visualTokens  string
}

func (f *selectionFlags) add(cmd *cobra.Command) {
	f.weights = newPairs(spelling.Number, inDigits, "number", `"humanities=2,stem knowledge=3"`)
	f.thresholds = newPairs(strconv.Atoi, strconv.Itoa, "number", `"humanities=2,stem knowledge=3"`)
	f.minimums = newPairs(strconv.Atoi, strconv.Itoa, "number", "geo170k=500,chartqa=100")
	f.modalities = newPairs(selection.ParseCap, selection.Cap.String, "cap", "text-only=10%,one-image=500")
	fl := cmd.Flags()
	fl.Var(&f.budgets, "budget", "size of the subset: a share (30%, 0.3), a number of samples (500) or of tokens "+
		"(200M-tokens); several ascending budgets make nested subsets (5%,10%,30%); required")
	fl.StringSliceVar(&f.capabilities, "capabilities", nil,
		"capabilities that pick samples, in this order (default: all capabilities of the rubric)")
	fl.Var(&f.weights, "weights",
		"number of picks of a capability in a round: \"stem knowledge=3\" picks three times as often as the others")
	fl.IntVar(&f.threshold, "threshold", 0, "a sample is picked for a capability only if its rating is above this "+
		"number, -1 to 4; as in the paper, a higher threshold gives higher ratings and smaller bins")
	fl.Var(&f.thresholds, "thresholds", "thresholds of single capabilities: \"humanities=2\"")
	fl.StringVar(&f.withinBin, "within-bin", "",
		"order within a bin: position (the paper's: the first-listed style first) or score (the highest rating first); "+
			"the difference is small")
	fl.BoolVar(&f.ratingsOnly, "ratings-only", false, "break ties only by position, as the reference does")
	fl.StringVar(&f.strategy, "strategy", "", "mmssr (default, the paper's); descending (experimental: the "+
		"highest ratings first, in turns); or a baseline to compare with: random, top (the best mean expected score), "+
		"stratified (random within sources), longest (the most tokens of answers)")
	fl.StringVar(&f.by, "by", "", "with --strategy top: the name of the number to rank by, a column of --scores-from "+
		"or a field of the records; -NAME ranks the lowest first")
	fl.StringVar(&f.tieBreak, "tie-break", "", "the name of the number that decides between samples of equal rating, "+
		"as for --by")
	fl.StringVar(&f.scoresFrom, "scores-from", "", "file of numbers about samples: Parquet, CSV or JSON lines, with a "+
		"column id, and columns of numbers that --where, --tie-break and --by name; or sha256:HASH from selection.json, "+
		"to use an earlier file again")
	fl.StringArrayVar(&f.where, "where", nil, "select only samples that meet this condition: the name of a number, "+
		">=, <=, >, <, == or !=, and a value, such as 'relevance_min>=3'; can be repeated")
	fl.Uint64Var(&f.seed, "seed", 0, "random seed: it decides between equally good samples, and sets random orders")
	fl.StringVar(&f.visualTokens, "visual-tokens", "", "the number of tokens that an image counts for: 730 (default) "+
		"or another number, onevision-anyres, qwen2.5-vl, or qwen2.5-vl:MIN,MAX with the processor's minimum and "+
		"maximum of pixels; it changes budgets in tokens and all shown numbers of tokens")
	f.addFilters(fl)
}

// addFilters adds the flags that restrict the samples of a selection.
func (f *selectionFlags) addFilters(fl *pflag.FlagSet) {
	fl.StringSliceVar(&f.styles.Keep, "keep-styles", nil, "select only samples that have one of these styles")
	fl.StringSliceVar(&f.styles.Drop, "drop-styles", nil, "select no sample that has one of these styles")
	fl.StringSliceVar(&f.sources.Keep, "keep-sources", nil, "select only samples of these sources")
	fl.StringSliceVar(&f.sources.Drop, "drop-sources", nil, "select no sample of these sources")
	fl.BoolVar(&f.unique, "unique", false, "select only one of several samples with the same texts and images")
	fl.StringVar(&f.include, "include", "",
		"file of ids, one per line, that must be in the subset; they count against the budget")
	fl.StringVar(&f.exclude, "exclude", "", "file of ids, one per line, that must not be in the subset")
	fl.Var(&f.minimums, "minimums",
		"minimum number of samples of a source, such as geo170k=500; samples with the best mean ratings are taken first")
	fl.StringVar(&f.mix, "mix", "", "YAML file with the share, minimum (least) or maximum (most) of sources and styles: "+
		"\"sources: {chartqa: {share: 20%}, coco: {most: 500}}\"")
	fl.StringVar(&f.caps.source, "cap-source", "",
		"maximum number of samples of one source: a number, or a share of the budget (10%); at the maximum, the source "+
			"is no longer picked")
	fl.StringVar(&f.caps.style, "cap-style", "", "maximum number of samples of one style, as a number or a share")
	fl.StringVar(&f.caps.image, "cap-image", "", "maximum number of samples that share one image")
	fl.Var(&f.modalities, "cap-modality",
		"maximum number of samples of a modality (text-only, one-image, multi-image or multi-turn): "+
			"text-only=10%,multi-turn=20%")
	fl.StringVar(&f.caps.template, "cap-template", "", "maximum number of samples whose first questions share one "+
		"template")
	fl.StringVar(&f.caps.cluster, "max-per-cluster", "", "maximum number of samples with nearly the same images and "+
		"questions")
	fl.StringArrayVar(&f.excludeNear, "exclude-near", nil, "evaluation set (JSON, JSONL, TSV, Parquet, or a folder of "+
		"images): select no sample whose image and question are nearly equal to an item of the set; can be repeated")
	fl.BoolVar(&f.excludeImages, "exclude-images", false, "with --exclude-near: leave out every sample with a near "+
		"image, whatever its question")
}

// specs returns the requested selections: one for each budget, the smallest first.
func (f selectionFlags) specs() ([]selection.Request, error) {
	if len(f.budgets) == 0 {
		return nil, usageError{
			errors.New("--budget is missing; give a share such as 30%, or a number of samples such as 500"),
		}
	}
	spec := selection.Request{
		Rules: selection.Rules{
			Weights: f.weights.of, Threshold: f.threshold, Thresholds: f.thresholds.of,
			WithinBin: selection.BinOrder(f.withinBin), RatingsOnly: f.ratingsOnly,
			Strategy: selection.Strategy(f.strategy), Seed: f.seed, By: f.by, TieBreak: f.tieBreak,
			Styles: f.styles, Sources: f.sources, Unique: f.unique, Minimums: f.minimums.of,
		},
		ScoresFrom: f.scoresFrom, ExcludeImages: f.excludeImages,
	}
	var faults []error
	fault := func(flag string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	budgets, err := f.budgets.parse()
	fault("budget", err)
	fault("budget", run.CheckBudgets(len(budgets)))
	for _, c := range f.capabilities {
		spec.Capabilities = append(spec.Capabilities, strings.TrimSpace(c))
	}
	spec.Include, err = readIDs(f.include)
	fault("include", err)
	spec.Exclude, err = readIDs(f.exclude)
	fault("exclude", err)
	for _, c := range []struct {
		flag, text string
		cap        *selection.Cap
	}{
		{"cap-source", f.caps.source, &spec.Caps.Source},
		{"cap-style", f.caps.style, &spec.Caps.Style},
		{"cap-image", f.caps.image, &spec.Caps.Image},
		{"cap-template", f.caps.template, &spec.Caps.Template},
		{"max-per-cluster", f.caps.cluster, &spec.Caps.Cluster},
	} {
		fault(c.flag, c.cap.UnmarshalText([]byte(c.text)))
	}
	spec.Where, err = parseConditions(f.where)
	fault("where", err)
	spec.Mix, err = readMix(f.mix)
	fault("mix", err)
	fault("cap-modality", f.capModalities(&spec.Caps.Modality))
	near, err := nearFiles(f.excludeNear)
	fault("exclude-near", err)
	spec.ExcludeNear = nearObjects(near)
	fault("visual-tokens", spec.VisualTokens.UnmarshalText([]byte(f.visualTokens)))
	if err := errors.Join(append(faults, spec.Validate())...); err != nil {
		return nil, usageError{byFlags(err)}
	}
	return spec.Nested(budgets), nil
}

// files returns the files that the flags name.
func (f selectionFlags) files() typedFiles {
	return typedFiles{
		scoresFrom: f.scoresFrom, mix: f.mix, include: f.include, exclude: f.exclude, near: f.excludeNear,
	}
}

// maxMixFile is the maximum size of a file of a mix, in bytes. mixExample is a short example of its content.
const (
	maxMixFile = 1 << 20
	mixExample = "`sources: {NAME: {share: 20%}}`"
)

// readMix reads a file of a mix. It returns the zero Mix if the name of the file is empty.
func readMix(file string) (m selection.Mix, err error) {
	if file == "" {
		return m, nil
	}
	data, err := bucket.ReadWholeFile(file, maxMixFile)
	if err != nil {
		return m, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%s: %w; write, for example, %s", file, spelling.YAML(err, m), mixExample)
	}
	if m.IsZero() {
		return m, fmt.Errorf("%s names no source and no style; write, for example, %s", file, mixExample)
	}
	return m, nil
}

// parseConditions parses conditions. It returns all errors joined.
func parseConditions(texts []string) (where []selection.Condition, err error) {
	for _, text := range texts {
		condition, fault := selection.ParseCondition(text)
		where, err = append(where, condition), errors.Join(err, fault)
	}
	return where, err
}

// capModalities sets the caps of the modalities that --cap-modality names.
func (f selectionFlags) capModalities(caps *selection.ModalityCaps) error {
	all := caps.All()
	for _, name := range f.modalities.names() {
		at := slices.IndexFunc(all, func(m selection.ModalityCap) bool { return m.Name == name })
		if at < 0 {
			known := selection.ModalityNames()
			return fmt.Errorf("%q is unknown%s; known are: %s", name, spelling.Hint(name, known), strings.Join(known, ", "))
		}
		*all[at].Cap = f.modalities.of[name]
	}
	return nil
}

// withExternal copies the files of --scores-from into the state folder. The name of a copy is a hash of its content. It
// returns the requests with these names. field is the name of the flag or field in errors.
func withExternal(
	ctx context.Context, state, field string, requests []selection.Request,
) ([]selection.Request, error) {
	for i, r := range requests {
		if r.ScoresFrom == "" || strings.HasPrefix(r.ScoresFrom, selection.ExternalPrefix) {
			continue
		}
		data, err := bucket.ReadWholeFile(r.ScoresFrom, external.MaxBytes)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", field, err)}
		}
		_, work, err := openState(state)
		if err != nil {
			return nil, err
		}
		requests[i].ScoresFrom, err = subset.StoreExternal(ctx, work, data)
		if fault, content := errors.AsType[*external.Error](err); content {
			return nil, usageError{fmt.Errorf("%s %s: %w", field, r.ScoresFrom, fault)}
		} else if err != nil {
			return nil, err
		}
	}
	return requests, nil
}

// requests returns specs with the file of --scores-from copied into the state folder.
func (f selectionFlags) requests(ctx context.Context, state string) ([]selection.Request, error) {
	requests, err := f.specs()
	if err != nil {
		return nil, err
	}
	return withExternal(ctx, state, "--scores-from", requests)
}

// maxIDFile is the maximum size of a file of ids, in bytes.
const maxIDFile = 64 << 20

// readIDs reads a file of ids, one per line; nil if the name of the file is empty.
func readIDs(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	data, err := bucket.ReadWholeFile(file, maxIDFile)
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) { // a byte order mark
		if id := strings.TrimRight(line, "\r\n"); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s names no id; write one id per line", file)
	}
	return ids, nil
}

// A budgetList is the value of --budget: budgets with commas between them, or the budgets of a repeated flag.
type budgetList []string

// thousands matches a number with commas between thousands. No list of budgets has such groups of digits.
var thousands = regexp.MustCompile(`^\d{1,3}(,\d{3})*,0\d\d(,\d{3})*$`)

// decimalComma matches a share with a comma for the decimal point.
var decimalComma = regexp.MustCompile(`^0,\d+$`)

// Set adds budgets.
func (b *budgetList) Set(text string) error {
	if decimalComma.MatchString(strings.TrimSpace(text)) {
		return fmt.Errorf("write %s with a decimal point; a comma separates budgets, as in 5%%,10%%",
			strings.Replace(strings.TrimSpace(text), ",", ".", 1))
	}
	if text = strings.TrimSpace(text); thousands.MatchString(text) {
		return fmt.Errorf("write %s without separators; a comma separates budgets, as in 5%%,10%%",
			strings.ReplaceAll(text, ",", ""))
	}
	*b = append(*b, strings.Split(text, ",")...)
	return nil
}

// parse reads the budgets.
func (b budgetList) parse() (budgets []selection.Budget, err error) {
	for _, text := range b {
		budget, fault := selection.ParseBudget(text)
		budgets, err = append(budgets, budget), errors.Join(err, fault)
	}
	return budgets, err
}

// String returns the list as the user typed it.
func (b *budgetList) String() string { return strings.Join(*b, ",") }

// Type returns the name of the values for the help.
func (b *budgetList) Type() string { return "budgets" }
