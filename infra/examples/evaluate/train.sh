#!/bin/sh
# Trains a model on each arm, and evaluates each trained model. It needs GPUs, and was not run here.
#
#   ./train.sh ARMS MODEL TRAINER        such as: ./train.sh arms Qwen/Qwen2.5-VL-3B-Instruct llama-factory
#
# All arms have the same hyperparameters, one epoch, and the same seed. DRY_RUN=1 only prints the commands.
set -eu
arms=$1 model=$2 trainer=$3
here=$(cd "$(dirname "$0")" && pwd)
tasks=$(cut -d' ' -f1 "$here/tasks.txt" | paste -sd, -)
do_run() { if [ -n "${DRY_RUN:-}" ]; then echo "$*"; else "$@"; fi; }

for export in "$arms"/exports/*/; do
  export=$(cd "$export" && pwd)
  arm=$(basename "$export")
  trained=$PWD/trained/$arm
  case $trainer in
    llama-factory)
      dataset=$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1])))' "$export/dataset_info.json")
      do_run llamafactory-cli train "$here/llama-factory.yaml" model_name_or_path="$model" dataset_dir="$export" \
        media_dir="$export" dataset="$dataset" output_dir="$trained"
      ;;
    ms-swift)
      (cd "$export" && do_run swift sft "$here/ms-swift.yaml" --dataset data.jsonl --model "$model" \
        --output_dir "$trained")
      ;;
    *) echo "train.sh: $trainer: give llama-factory or ms-swift" >&2; exit 2 ;;
  esac
  do_run python3 -m lmms_eval --model qwen2_5_vl --model_args "pretrained=$trained" --tasks "$tasks" --batch_size 1 \
    --log_samples --output_path "results/$arm"
done
