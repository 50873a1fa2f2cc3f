package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

const (
	// maxFolders is how many neighbouring folders are tried for missing images, on each level.
	maxFolders = 256
	// maxTried is how many missing images are looked for in each of them.
	maxTried = 16
	// concurrentLookups is how many names are looked for at a time.
	concurrentLookups = 32
)

// A NamesReport says how many of a few image names are found, and where the others are instead.
type NamesReport struct {
	Names   int      // how many names were looked for
	Missing int      // how many of them name no image
	Missed  []string // the first missing names, at most three
	// Folder is the images' folder on this machine, or their prefix in the cloud.
	Folder string
	// Fit is the folder to give as --images, in which most of the missing images are found. Empty if no folder next to
	// Folder, one level above it or one below holds them.
	Fit string
	// Surplus is the first folder of the names, if most of the missing images are in Folder under their names without
	// it. No folder fits then: the names or the folders have to change.
	Surplus string
}

// MostMissing reports whether more than half of the names are missing: the folder is the wrong one.
func (r NamesReport) MostMissing() bool { return 2*r.Missing > r.Names }

// Message is the report in one sentence, with what to do: if most are missing, which folder to give as --images.
func (r NamesReport) Message() string {
	if r.Missing == 0 {
		return fmt.Sprintf("all %d images that were looked for are in %s", r.Names, r.Folder)
	}
	found := fmt.Sprintf("%d of %d images that were looked for are not in %s (%s)",
		r.Missing, r.Names, r.Folder, strings.Join(r.Missed, ", "))
	switch {
	case r.Fit != "":
		return fmt.Sprintf("%s; they are in %s: give --images %s", found, r.Fit, r.Fit)
	case r.Surplus != "":
		return fmt.Sprintf("%s; they are there under their names without %s/: move them into a folder %s, or make a link to "+
			"the folder itself (ln -s . %s)", found, r.Surplus, r.Surplus, filepath.Join(r.Folder, r.Surplus))
	default:
		return found + "; give the folder in which the names begin as --images"
	}
}

// CheckNames looks for the images of a few names, such as 200 of a dataset's, without reading them. If most are
// missing it looks for the folder that was meant: on this machine the folder above, the folders in it and next to it,
// and that of names that are absolute. It makes at most some thousand look-ups, within a second on one machine. The
// error is transient, or a bucket.MachineError.
func (f *Fetcher) CheckNames(ctx context.Context, names []string) (NamesReport, error) {
	report := NamesReport{Names: len(names), Folder: f.place()}
	missing, err := f.missingNames(ctx, names)
	if err != nil {
		return NamesReport{}, err
	}
	report.Missing, report.Missed = len(missing), slices.Clone(missing[:min(3, len(missing))])
	if !report.MostMissing() {
		return report, nil
	}
	// Spread over the sample: a dataset often has one source after the other.
	var tried []string
	for i := range min(len(missing), maxTried) {
		tried = append(tried, missing[i*len(missing)/min(len(missing), maxTried)])
	}
	if len(f.folders) > 0 {
		report.Fit = fittingFolder(ctx, f.folders[0], tried)
	}
	if report.Fit == "" {
		report.Surplus = f.surplus(ctx, tried)
	}
	return report, nil
}

// missingNames are the names of no image of this dataset, in their order. Images that cannot be read are there.
func (f *Fetcher) missingNames(ctx context.Context, names []string) ([]string, error) {
	missing := make([]bool, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentLookups)
	for i, name := range names {
		group.Go(func() error {
			_, fault, err := f.Locate(ctx, name)
			missing[i] = fault != nil && (fault.Code == NotFound || fault.Code == dataset.ImageNameUnsafe)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var list []string
	for i, name := range names {
		if missing[i] {
			list = append(list, name)
		}
	}
	return list, nil
}

// fittingFolder is the folder in which more than half of some images are found, "" if there is none. Folder is where
// they are not.
func fittingFolder(ctx context.Context, folder string, names []string) string {
	parent := filepath.Dir(folder)
	candidates := []string{parent}
	_, below := entries(folder, maxNearFiles)
	for _, name := range bounded(below) {
		candidates = append(candidates, filepath.Join(folder, name))
	}
	_, next := entries(parent, maxNearFiles)
	for _, name := range bounded(next) {
		candidates = append(candidates, filepath.Join(parent, name))
	}
	if common := commonFolder(names); common != "" {
		candidates = append(candidates, common)
	}
	best, most := "", len(names)/2
	for _, candidate := range candidates {
		if found := foundIn(ctx, candidate, names); found > most && candidate != folder {
			best, most = candidate, found
		}
	}
	return best
}

// bounded are the first names by the alphabet, at most maxFolders, images' usual folders before all others.
func bounded(folders []string) []string {
	usual := func(name string) int {
		if strings.Contains(strings.ToLower(name), "im") {
			return 0
		}
		return 1
	}
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(usual(a), usual(b)), strings.Compare(a, b))
	})
	return folders[:min(len(folders), maxFolders)]
}

// foundIn counts the names of files of a folder of this machine.
func foundIn(ctx context.Context, folder string, names []string) (found int) {
	view, err := bucket.NewView(map[string]bucket.Content{"images/": bucket.AtFolder(folder)})
	if err != nil {
		return 0
	}
	for _, name := range names {
		relative, err := dataset.ImageNames(name, folderPaths(folder))
		if err != nil {
			continue
		}
		if _, err := view.Stat(ctx, "images/"+relative[len(relative)-1]); err == nil {
			found++
		}
	}
	return found
}

// surplus is the first folder of the names without which more than half of the images are found, "" if there is none.
func (f *Fetcher) surplus(ctx context.Context, names []string) string {
	counts := map[string]int{}
	for _, name := range names {
		clean, err := dataset.CleanImageName(name)
		if err != nil {
			continue
		}
		first, rest, ok := strings.Cut(clean, "/")
		if !ok || first == "" || first == "gs:" {
			continue
		}
		if _, err := f.input.Stat(ctx, f.prefix+rest); err == nil {
			counts[first]++
		} else if !errors.Is(err, bucket.ErrNotExist) {
			return ""
		}
	}
	for first, count := range counts {
		if 2*count > len(names) {
			return first
		}
	}
	return ""
}

// commonFolder is the deepest folder of this machine that all the absolute names are in, "" if it has none of them or
// is the root.
func commonFolder(names []string) string {
	var common string
	for _, name := range names {
		clean, err := dataset.CleanImageName(name)
		if err != nil || !filepath.IsAbs(filepath.FromSlash(clean)) {
			continue
		}
		if common == "" {
			common = path.Dir(clean)
		}
		for !strings.HasPrefix(clean, strings.TrimSuffix(common, "/")+"/") {
			common = path.Dir(common)
		}
	}
	if info, err := os.Stat(common); err != nil || !info.IsDir() || path.Dir(common) == common {
		return ""
	}
	return filepath.FromSlash(common)
}
