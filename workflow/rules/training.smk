# From pretrained weights to accuracy: learning-rate search, training, evaluation. The resource `processes` says how many
# of them train a run together, one for each GPU; a profile sets it.


localrules:
    weights,
    choose,


# A cluster's profile makes one job of a run and its evaluations (`groups:`): only there are groups of use, while here they
# would take a tenth of the planning. In such a job the evaluations come one after another, or else the job, whose
# resources Snakemake adds up, would need the memory and the cores of all of them. The profile says the same where the
# job is submitted; each job has an `evaluation` of its own.
resource_scopes:
    evaluation="local",


if not workflow.is_main_process:
    workflow.register_resource("evaluation", 1)


rule weights:
    output:
        weights=ensure(results(address.WEIGHTS), non_empty=True),
    log:
        logs("weights/{backbone}.log"),
    benchmark:
        logs("weights/{backbone}.tsv")
    priority: SECOND
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scale_with_attempt(FIXED["weights"].megabytes),
        runtime=scale_with_attempt(FIXED["weights"].minutes),
    params:
        spec=spec_of(lambda wildcards: SPECS.weights(wildcards.backbone)),
        licence=licence_of,
    shell:
        "python -m fgir weights --spec {params.spec:q} --licence {params.licence:q} --out {output.weights:q} 2>&1 | tee {log:q}"


# Of a regime that trains the backbone, each candidate is a job.
rule tune:
    input:
        unpack(training_inputs),
    output:
        candidate=ensure(results(address.CANDIDATE), non_empty=True),
    log:
        logs("tune/{dataset}-{backbone}-{regime}-{train_size}-lr{learning_rate}.log"),
    benchmark:
        logs("tune/{dataset}-{backbone}-{regime}-{train_size}-lr{learning_rate}.tsv")
    wildcard_constraints:
        regime=only(name for name in STUDY.regimes if METHODS[name].trains_backbone),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes,
        runtime=minutes_of("search"),
        gpu=int(has_gpu()),
        processes=1,
    params:
        spec=spec_of(
            lambda wildcards: SPECS.search(
                *run_of(wildcards)[:4], [float(wildcards.learning_rate)]
            )
        ),
        work=work(address.CANDIDATE),
    shell:
        "python -m fgir tune --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
        "--images {input.images:q} --work {params.work:q} --threads {threads} --processes {resources.processes} "
        "--log {log:q} --out {output.candidate:q} > {log:q} 2>&1"


# All candidates of a frozen backbone share one pass over the images.
rule tune_frozen:
    input:
        unpack(training_inputs),
    output:
        candidates=ensure(results(address.CANDIDATES), non_empty=True),
    log:
        logs("tune/{dataset}-{backbone}-{regime}-{train_size}.log"),
    benchmark:
        logs("tune/{dataset}-{backbone}-{regime}-{train_size}.tsv")
    wildcard_constraints:
        regime=only(name for name in STUDY.regimes if not METHODS[name].trains_backbone),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes,
        runtime=minutes_of("search"),
        gpu=int(has_gpu()),
        processes=1,
    params:
        spec=spec_of(frozen_search),
        work=work(address.CANDIDATES),
    shell:
        "python -m fgir tune --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
        "--images {input.images:q} --work {params.work:q} --threads {threads} --processes {resources.processes} "
        "--log {log:q} --out {output.candidates:q} > {log:q} 2>&1"


rule choose:
    input:
        candidates=candidates_of,
    output:
        best=ensure(results(address.BEST), non_empty=True),
    log:
        logs("choose/{dataset}-{backbone}-{regime}-{train_size}.log"),
    benchmark:
        logs("choose/{dataset}-{backbone}-{regime}-{train_size}.tsv")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["choose"].megabytes,
        runtime=FIXED["choose"].minutes,
    params:
        spec=spec_of(lambda wildcards: SPECS.choice(*run_of(wildcards)[:4])),
    shell:
        "python -m fgir choose --spec {params.spec:q} --candidates {input.candidates:q} "
        "--out {output.best:q} > {log:q} 2>&1"


rule train:
    input:
        unpack(training_inputs),
        best=searched_best,
    output:
        model=ensure(results(address.MODEL), non_empty=True),
        history=ensure(results(address.HISTORY), non_empty=True),
        train=ensure(results(address.TRAIN), non_empty=True),
    log:
        logs("train/{dataset}-{backbone}-{regime}-{train_size}-seed{seed}.log"),
    benchmark:
        logs("train/{dataset}-{backbone}-{regime}-{train_size}-seed{seed}.tsv")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes,
        runtime=minutes_of("train"),
        gpu=int(has_gpu()),
        processes=1,
    params:
        spec=spec_of(lambda wildcards: SPECS.run(run_of(wildcards))),
        work=work(address.RUN),
        folder=subpath(output.train, parent=True),
    shell:
        "python -m fgir train --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
        "--images {input.images:q} --best {input.best:q} --work {params.work:q} --threads {threads} "
        "--processes {resources.processes} --log {log:q} --out {params.folder:q} > {log:q} 2>&1"


rule evaluate:
    input:
        unpack(evaluation_inputs),
    output:
        metrics=ensure(results(address.METRICS), non_empty=True),
        predictions=ensure(results(address.PREDICTIONS), non_empty=True),
    log:
        logs(
            "evaluate/{dataset}-{backbone}-{setting}-{train_size}-{test_size}-seed{seed}.log"
        ),
    benchmark:
        logs(
            "evaluate/{dataset}-{backbone}-{setting}-{train_size}-{test_size}-seed{seed}.tsv"
        )
    wildcard_constraints:
        setting=only(EVALUATED_ALONE),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes,
        runtime=minutes_of("evaluation"),
        gpu=int(has_gpu()),
        evaluation=1,
    params:
        spec=spec_of(evaluation_spec),
        settings=settings_of,
        run=subpath(input.model, parent=True),
    shell:
        "python -m fgir evaluate --spec {params.spec:q} --settings {params.settings} --run {params.run:q} "
        "--split {input.split:q} --images {input.images:q} --threads {threads} "
        "--metrics {output.metrics:q} > {log:q} 2>&1"


use rule evaluate as evaluate_both with:
    output:
        metrics=ensure(with_and_without_crops(address.METRICS), non_empty=True),
        predictions=ensure(with_and_without_crops(address.PREDICTIONS), non_empty=True),
    log:
        logs(
            "evaluate/{dataset}-{backbone}-{regime}-{train_size}-{test_size}-seed{seed}.log"
        ),
    benchmark:
        logs(
            "evaluate/{dataset}-{backbone}-{regime}-{train_size}-{test_size}-seed{seed}.tsv"
        )
    wildcard_constraints:
        regime=only(EVALUATED_TOGETHER),
