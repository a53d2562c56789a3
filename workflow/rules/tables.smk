# From one-row files to the tables and figures that people read.


localrules:
    cell,
    summary,
    figure,
    resolution,
    fixres,
    fixres_figure,


rule cell:
    input:
        unpack(inputs_of("cell")),
    output:
        cell=output_of("cell", "cell"),
    log:
        log_of("cell"),
    benchmark:
        benchmark_of("cell")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["cell"].megabytes,
        runtime=FIXED["cell"].minutes,
    params:
        spec=spec_of("cell"),
    shell:
        "python -m fgir cell --spec {params.spec:q} --published {input.published:q} --out {output.cell:q} > {log:q} 2>&1"


rule summary:
    input:
        unpack(inputs_of("summary")),
    output:
        evaluations=output_of("summary", "evaluations"),
        summary=output_of("summary", "summary"),
    log:
        log_of("summary"),
    benchmark:
        benchmark_of("summary")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["summary"].megabytes,
        runtime=FIXED["summary"].minutes,
    params:
        spec=spec_of("summary"),
    shell:
        "python -m fgir summary --spec {params.spec:q} --published {input.published:q} "
        "--out {output.evaluations:q} {output.summary:q} > {log:q} 2>&1"


rule figure:
    input:
        unpack(inputs_of("figure")),
    output:
        png=report(
            output_of("figure", "png"),
            caption="../report/figure.rst",
            category="Accuracy against cost",
            labels={"dataset": "{dataset}"},
        ),
        svg=output_of("figure", "svg"),
    log:
        log_of("figure"),
    benchmark:
        benchmark_of("figure")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["figure"].megabytes,
        runtime=FIXED["figure"].minutes,
    shell:
        "python -m fgir figure --summary {input.summary:q} --dataset {wildcards.dataset:q} "
        "--out {output.png:q} {output.svg:q} > {log:q} 2>&1"


rule resolution:
    input:
        unpack(inputs_of("resolution")),
    output:
        png=report(
            output_of("resolution", "png"),
            caption="../report/resolution.rst",
            category="Accuracy against test size",
            labels={"dataset": "{dataset}"},
        ),
        svg=output_of("resolution", "svg"),
    log:
        log_of("resolution"),
    benchmark:
        benchmark_of("resolution")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["resolution"].megabytes,
        runtime=FIXED["resolution"].minutes,
    shell:
        "python -m fgir resolution_figure --summary {input.summary:q} --dataset {wildcards.dataset:q} "
        "--out {output.png:q} {output.svg:q} > {log:q} 2>&1"


rule fixres:
    input:
        unpack(inputs_of("fixres")),
    output:
        table=output_of("fixres", "table"),
    log:
        log_of("fixres"),
    benchmark:
        benchmark_of("fixres")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["fixres"].megabytes,
        runtime=FIXED["fixres"].minutes,
    shell:
        "python -m fgir fixres {wildcards.table:q} --cells {input.cells:q} --out {output.table:q} > {log:q} 2>&1"


rule fixres_figure:
    input:
        unpack(inputs_of("fixres_figure")),
    output:
        png=output_of("fixres_figure", "png"),
        svg=output_of("fixres_figure", "svg"),
    log:
        log_of("fixres_figure"),
    benchmark:
        benchmark_of("fixres_figure")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["fixres_figure"].megabytes,
        runtime=FIXED["fixres_figure"].minutes,
    shell:
        "python -m fgir fixres {wildcards.figure:q} --cells {input.cells:q} "
        "--out {output.png:q} {output.svg:q} > {log:q} 2>&1"
