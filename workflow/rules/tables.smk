# From one-row files to the tables and figures that people read.


localrules:
    cell,
    summary,
    figure,


rule cell:
    input:
        unpack(lambda wildcards: cell_inputs(cell_of(wildcards))),
    output:
        cell=ensure(results(address.CELL), non_empty=True),
    log:
        logs("cell/{dataset}-{backbone}-{setting}-{train_size}-{test_size}.log"),
    benchmark:
        logs("cell/{dataset}-{backbone}-{setting}-{train_size}-{test_size}.tsv")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["cell"].megabytes,
        runtime=FIXED["cell"].minutes,
    params:
        spec=spec_of(lambda wildcards: SPECS.cell(cell_of(wildcards))),
    shell:
        "python -m fgir cell --spec {params.spec:q} --published {input.published:q} --out {output.cell:q} > {log:q} 2>&1"


rule summary:
    input:
        unpack(summary_inputs),
    output:
        evaluations=ensure(results(address.EVALUATIONS), non_empty=True),
        summary=ensure(results(address.SUMMARY), non_empty=True),
    log:
        logs("summary.log"),
    benchmark:
        logs("summary.tsv")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["summary"].megabytes,
        runtime=FIXED["summary"].minutes,
    params:
        spec=canonical(SPECS.summary()),
    shell:
        "python -m fgir summary --spec {params.spec:q} --published {input.published:q} "
        "--out {output.evaluations:q} {output.summary:q} > {log:q} 2>&1"


rule figure:
    input:
        summary=results(address.SUMMARY),
    output:
        png=report(
            ensure(results(address.FIGURE.replace("{format}", "png")), non_empty=True),
            caption="../report/figure.rst",
            category="Accuracy against cost",
            labels={"dataset": "{dataset}"},
        ),
        svg=ensure(results(address.FIGURE.replace("{format}", "svg")), non_empty=True),
    log:
        logs("figure/{dataset}.log"),
    benchmark:
        logs("figure/{dataset}.tsv")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["figure"].megabytes,
        runtime=FIXED["figure"].minutes,
    shell:
        "python -m fgir figure --summary {input.summary:q} --dataset {wildcards.dataset:q} "
        "--out {output.png:q} {output.svg:q} > {log:q} 2>&1"
