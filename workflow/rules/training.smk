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


give_each_job("evaluation")


rule weights:
    output:
        weights=output_of("weights", "weights"),
    log:
        log_of("weights"),
    benchmark:
        benchmark_of("weights")
    priority: SECOND
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of("weights"),
        runtime=minutes_of("weights"),
    params:
        spec=spec_of("weights"),
        licence=licence_of,
    shell:
        "python -m fgir weights --spec {params.spec:q} --licence {params.licence:q} --out {output.weights:q} 2>&1 | tee {log:q}"


# Of a regime that trains the backbone, each candidate is a job.
if GRAPH["tune"].regimes:

    rule tune:
        input:
            unpack(inputs_of("tune")),
        output:
            candidate=output_of("tune", "candidate"),
        log:
            log_of("tune"),
        benchmark:
            benchmark_of("tune")
        wildcard_constraints:
            regime=alternatives(GRAPH["tune"].regimes),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=megabytes_of("tune"),
            runtime=minutes_of("tune"),
            gpu=gpus_of("tune"),
            processes=1,
        params:
            spec=spec_of("tune"),
            work=work_of(address.CANDIDATE),
        shell:
            "python -m fgir tune --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
            "--images {input.images:q} --work {params.work:q} --threads {threads} --processes {resources.processes} "
            "--log {log:q} --out {output.candidate:q} > {log:q} 2>&1"


# All candidates of a frozen backbone share one pass over the images.
if GRAPH["tune_frozen"].regimes:

    rule tune_frozen:
        input:
            unpack(inputs_of("tune_frozen")),
        output:
            candidates=output_of("tune_frozen", "candidates"),
        log:
            log_of("tune_frozen"),
        benchmark:
            benchmark_of("tune_frozen")
        wildcard_constraints:
            regime=alternatives(GRAPH["tune_frozen"].regimes),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=megabytes_of("tune_frozen"),
            runtime=minutes_of("tune_frozen"),
            gpu=gpus_of("tune_frozen"),
            processes=1,
        params:
            spec=spec_of("tune_frozen"),
            work=work_of(address.CANDIDATES),
        shell:
            "python -m fgir tune --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
            "--images {input.images:q} --work {params.work:q} --threads {threads} --processes {resources.processes} "
            "--log {log:q} --out {output.candidates:q} > {log:q} 2>&1"


rule choose:
    input:
        unpack(inputs_of("choose")),
    output:
        best=output_of("choose", "best"),
    log:
        log_of("choose"),
    benchmark:
        benchmark_of("choose")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["choose"].megabytes,
        runtime=FIXED["choose"].minutes,
    params:
        spec=spec_of("choose"),
    shell:
        "python -m fgir choose --spec {params.spec:q} --candidates {input.candidates:q} "
        "--out {output.best:q} > {log:q} 2>&1"


# Of a regime of which nothing learns, a run is the pretrained weights as they are.
if GRAPH["adopt"].regimes:

    rule adopt:
        input:
            unpack(inputs_of("adopt")),
        output:
            model=output_of("adopt", "model"),
            history=output_of("adopt", "history"),
            train=output_of("adopt", "train"),
        log:
            log_of("adopt"),
        benchmark:
            benchmark_of("adopt")
        wildcard_constraints:
            regime=alternatives(GRAPH["adopt"].regimes),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=megabytes_of("adopt"),
            runtime=minutes_of("adopt"),
        params:
            spec=spec_of("adopt"),
            folder=subpath(output.train, parent=True),
        shell:
            "python -m fgir adopt --spec {params.spec:q} --manifest {input.manifest:q} "
            "--weights {input.weights:q} --out {params.folder:q} > {log:q} 2>&1"


rule train:
    input:
        unpack(inputs_of("train")),
    output:
        model=output_of("train", "model"),
        history=output_of("train", "history"),
        train=output_of("train", "train"),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    wildcard_constraints:
        regime=alternatives(GRAPH["train"].regimes),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of("train"),
        runtime=minutes_of("train"),
        gpu=gpus_of("train"),
        processes=1,
    params:
        spec=spec_of("train"),
        work=work_of(address.RUN),
        folder=subpath(output.train, parent=True),
    shell:
        "python -m fgir train --spec {params.spec:q} --split {input.split:q} --weights {input.weights:q} "
        "--images {input.images:q} --best {input.best:q} --work {params.work:q} --threads {threads} "
        "--processes {resources.processes} --log {log:q} --out {params.folder:q} > {log:q} 2>&1"


# A run for another test size, where the study asks for adaptations.
if GRAPH["adapt"].adaptations:

    rule adapt:
        input:
            unpack(inputs_of("adapt")),
        output:
            adapted=output_of("adapt", "adapted"),
            history=output_of("adapt", "history"),
            adapt=output_of("adapt", "adapt"),
        log:
            log_of("adapt"),
        benchmark:
            benchmark_of("adapt")
        wildcard_constraints:
            adaptation=alternatives(GRAPH["adapt"].parts()),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=megabytes_of("adapt"),
            runtime=minutes_of("adapt"),
            gpu=gpus_of("adapt"),
            processes=1,
        params:
            spec=spec_of("adapt"),
            work=work_of(address.ADAPTED),
            run=subpath(input.model, parent=True),
            folder=subpath(output.adapt, parent=True),
        shell:
            "python -m fgir adapt --spec {params.spec:q} --run {params.run:q} --split {input.split:q} "
            "--images {input.images:q} --work {params.work:q} --threads {threads} "
            "--processes {resources.processes} --log {log:q} --out {params.folder:q} > {log:q} 2>&1"


# Where a study has several settings of a regime, one job evaluates them: they share the images and the first view.
for EVALUATION in GRAPH.evaluations:

    rule:
        name:
            EVALUATION.rule
        input:
            unpack(inputs_of(EVALUATION.rule)),
        output:
            metrics=output_of(EVALUATION.rule, "metrics"),
            predictions=output_of(EVALUATION.rule, "predictions"),
        log:
            log_of(EVALUATION.rule),
        benchmark:
            benchmark_of(EVALUATION.rule)
        wildcard_constraints:
            **EVALUATION.constraints(),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=megabytes_of(EVALUATION.rule),
            runtime=minutes_of(EVALUATION.rule),
            gpu=gpus_of(EVALUATION.rule),
            evaluation=1,
        params:
            spec=spec_of(EVALUATION.rule),
            settings=settings_of,
            run=run_of,
        shell:
            "python -m fgir evaluate --spec {params.spec:q} --settings {params.settings} --run {params.run:q} "
            "--split {input.split:q} --images {input.images:q} --threads {threads} "
            "--metrics {output.metrics:q} > {log:q} 2>&1"
