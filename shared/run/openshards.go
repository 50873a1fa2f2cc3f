package run

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ratedShards returns the numbers of the scored shards in some ranges of a run, by range.
func (r *Reader) ratedShards(ctx context.Context, run string, ranges []int) (map[int][]int, error) {
	files, err := r.filesOfRanges(ctx, ratedPrefix(run), ranges, func(number int) string {
		return shardScoresPrefix(run, number)
	})
	if err != nil {
		return nil, fmt.Errorf("listing the scores of run %s: %w", run, err)
	}
	rated := make(map[int][]int, len(files))
	for number, names := range files {
		for _, name := range names {
			if n, err := strconv.Atoi(strings.TrimSuffix(name, ".parquet")); err == nil {
				rated[number] = append(rated[number], n)
			}
		}
	}
	return rated, nil
}

// begunShards returns the numbers of shards with an attempt without a recorded end in some ranges of a run, by range.
// If such a shard has no scores, a process works on it, or the process was killed and no other process has detected
// this yet.
func (r *Reader) begunShards(ctx context.Context, run string, ranges []int) (map[int][]int, error) {
	files, err := r.filesOfRanges(ctx, shardAttemptsPrefix(run), ranges, func(number int) string {
		return fmt.Sprintf("%s%04d/", shardAttemptsPrefix(run), number)
	})
	if err != nil {
		return nil, fmt.Errorf("listing the attempts at shards of run %s: %w", run, err)
	}
	begun := make(map[int][]int, len(files))
	for number, names := range files {
		ended := map[string]bool{} // attempts with a recorded end
		for _, name := range names {
			if parts := strings.SplitN(name, ".", 4); len(parts) == 4 {
				ended[strings.Join(parts[:3], ".")] = true
			}
		}
		for _, name := range names {
			shard, _, _ := strings.Cut(name, ".")
			n, err := strconv.Atoi(shard)
			if err == nil && strings.Count(name, ".") == 2 && !ended[name] && !slices.Contains(begun[number], n) {
				begun[number] = append(begun[number], n)
			}
		}
	}
	return begun, nil
}

// filesOfRanges returns the objects in the folders of some ranges, by range. Ranges without objects cost no request.
func (r *Reader) filesOfRanges(
	ctx context.Context, prefix string, ranges []int, folderOf func(number int) string,
) (map[int][]string, error) {
	files := map[int][]string{}
	numbers := make(map[string]int, len(ranges))
	for _, number := range ranges {
		numbers[folderOf(number)] = number
	}
	order := slices.Sorted(maps.Keys(numbers)) // the order of listings, in which 10000 follows 1000
	for len(order) > 0 {
		skipped := false
		for attrs, err := range r.work.List(ctx, prefix, order[0]) {
			if err != nil {
				return nil, err
			}
			folder, file := path.Split(attrs.Name)
			for len(order) > 0 && order[0] < folder {
				order = order[1:]
			}
			if skipped = len(order) > 0 && order[0] > folder; skipped || len(order) == 0 {
				break
			}
			files[numbers[folder]] = append(files[numbers[folder]], file)
		}
		if !skipped {
			break
		}
	}
	return files, nil
}
